"""A service that answers late holds nothing up, with either executor of rclpy."""

from __future__ import annotations

import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from std_srvs.srv import Trigger

from denseba_ros.nodes.base.late_answer import answer_late


def _events_executor() -> Any:
    return pytest.importorskip("rclpy.experimental").EventsExecutor()


@pytest.mark.parametrize("make_executor", [SingleThreadedExecutor, _events_executor])
def test_an_answer_comes_when_it_is_known(
    make_executor: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path))
    rclpy.init()
    node, executor = Node("late"), make_executor()
    asked: list[tuple[Future[Any], Any]] = []

    def late(_: Any, response: Any) -> Any:
        asked.append((Future(), response))
        return asked[-1][0] if len(asked) < 3 else response

    answer_late(node.create_service(Trigger, "late", late))
    client = node.create_client(Trigger, "late")
    executor.add_node(node)

    def spin_until(condition: Any) -> None:
        deadline = time.monotonic() + 20.0
        while not condition():
            assert time.monotonic() < deadline
            executor.spin_once(timeout_sec=0.05)

    try:
        spin_until(client.service_is_ready)
        answers = [client.call_async(Trigger.Request()) for _ in range(3)]
        spin_until(answers[2].done)  # that one knows its answer at once
        assert not answers[0].done()
        for k in (1, 0):
            future, response = asked[k]
            response.message = f"number {k}"
            future.set_result(response)
            spin_until(answers[k].done)
        assert [a.result().message for a in answers] == ["number 0", "number 1", ""]
        client.call_async(Trigger.Request())
        asked.clear()
        spin_until(lambda: asked)
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()
    asked[0][0].set_result(asked[0][1])  # nobody is there to take it
