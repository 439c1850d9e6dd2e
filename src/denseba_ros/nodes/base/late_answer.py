"""Services whose answer takes longer than the executor may be held up."""

from __future__ import annotations

import contextlib
from concurrent.futures import Future
from functools import partial
from typing import Any

from rclpy.exceptions import InvalidHandle
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.service import Service

RCLError = rclpy_implementation.RCLError


def answer_late(service: Service) -> None:
    """From now on the callback of ``service`` may return a future of the response: it is sent when
    it is done, by the thread that completes it, while the executor goes on.

    A coroutine would do neither: rclpy's executor of events runs it to its end, the others ask it
    again and again without a pause.
    """
    send = service.send_response

    def send_late(done: Future[Any], header: Any) -> None:
        with contextlib.suppress(InvalidHandle, RCLError):  # the node has gone meanwhile
            send(done.result(), header)

    def send_when_known(response: Any, header: Any) -> None:
        if isinstance(response, Future):
            response.add_done_callback(partial(send_late, header=header))
        else:
            send(response, header)

    service.send_response = send_when_known
