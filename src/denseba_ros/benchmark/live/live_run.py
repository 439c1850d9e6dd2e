"""Runs a node on a replayed sequence at the camera's rate: processes over DDS, in real time."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from denseba_ros.benchmark.live.output_listener import OutputListener
from denseba_ros.benchmark.live.outputs_heard import OutputsHeard
from denseba_ros.benchmark.live.process_usage import ProcessUsage
from denseba_ros.errors import DensebaError
from denseba_ros.nodes.tools.processes import Processes
from denseba_ros.nodes.tools.sent_images import read_sent

# The first start compiles for about a minute.
_START_SECONDS = 300.0
_CONNECT_SECONDS = 30.0
# So long after the last message the images that were not reported are lost on the way.
_SILENCE_SECONDS = 5.0
_REPLAY = "replay"


@dataclass
class LiveRun:
    """One run: the command lines of the ``nodes`` by name, and that of ``replay``, which appends to
    ``sent_log``.

    ``busy`` processes keep as many cores busy while the images come. ``on_image`` gets the number
    of images that the node has reported so far, a few times a second. ``stop`` ends the run.
    """

    processes: Processes
    listener: OutputListener
    nodes: Mapping[str, Sequence[str]]
    replay: Sequence[str]
    sent_log: Path
    stop: threading.Event
    busy: int = 0
    on_image: Callable[[int], None] = field(default=lambda _: None)

    def run(self) -> tuple[OutputsHeard, ProcessUsage]:
        """Everything that was heard, and what the nodes used meanwhile.

        Raises:
            DensebaError: when a process dies or the node says nothing.
            KeyboardInterrupt: when ``stop`` is set.
        """
        processes = self.processes
        for node, command in self.nodes.items():
            processes.start(node, list(command))
        self._wait(self._are_active, "active nodes", _START_SECONDS)
        self._wait(self.listener.is_connected, "the node's topics", _CONNECT_SECONDS)
        busy = [f"busy_{k + 1}" for k in range(self.busy)]
        for name in busy:
            processes.start(name, [sys.executable, "-c", "while True: pass"])
        before = self._usage()
        self._replay()
        used = self._usage().since(before)
        for name in busy:
            processes.kill(name)
        heard = self.listener.heard(read_sent(self.sent_log.read_text()))
        for node in self.nodes:
            status = processes.stop(node)
            if status != 0:
                raise DensebaError(f"{node} ended with status {status}:\n{processes.tail(node)}")
        return heard, used

    def _are_active(self) -> bool:
        return all("is active" in self.processes.log(node) for node in self.nodes)

    def _usage(self) -> ProcessUsage:
        return ProcessUsage.sum(ProcessUsage.of(self.processes.pid(node)) for node in self.nodes)

    def _tail(self) -> str:
        return "\n".join(self.processes.tail(node) for node in self.nodes)

    def _replay(self) -> None:
        """Play all images, and wait until the node is done with those that are queued."""
        processes = self.processes
        processes.start(_REPLAY, list(self.replay))
        # A sequence takes as long as it takes; the replay itself gives up where nobody listens.
        self._wait(lambda: processes.status(_REPLAY) is not None, "the end of the replay", math.inf)
        status = processes.stop(_REPLAY)
        if status != 0:
            tail = processes.tail(_REPLAY)
            raise DensebaError(f"the replay ended with status {status}:\n{tail}")
        published = len(read_sent(self.sent_log.read_text()))
        if not self.listener.statuses:
            raise DensebaError(f"nothing was said of {published} images:\n{self._tail()}")
        self._wait(
            lambda: self.listener.statuses >= published or self._is_silent(),
            "the last images",
            math.inf,
        )

    def _is_silent(self) -> bool:
        return time.monotonic() - self.listener.last_heard > _SILENCE_SECONDS

    def _wait(self, condition: Callable[[], bool], what: str, seconds: float) -> None:
        def is_so() -> bool:
            if self.stop.is_set():
                raise KeyboardInterrupt
            for node in self.nodes:
                status = self.processes.status(node)
                if status is not None:
                    tail = self.processes.tail(node)
                    raise DensebaError(f"{node} ended early, with status {status}:\n{tail}")
            self.on_image(self.listener.statuses)
            return condition()

        self.processes.wait_until(is_so, what, seconds)
