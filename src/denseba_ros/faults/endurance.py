"""Endurance tests: memory and threads over lifecycle cycles and over time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from tqdm import tqdm

from denseba_ros.benchmark.timing import status_mib
from denseba_ros.errors import DensebaError
from denseba_ros.faults.bench import Bench, threads
from denseba_ros.faults.measures import largest_jump, longest_silence
from denseba_ros.nodes.tools.sent_images import read_sent

_UP_DOWN = (
    Transition.TRANSITION_CONFIGURE,
    Transition.TRANSITION_ACTIVATE,
    Transition.TRANSITION_DEACTIVATE,
    Transition.TRANSITION_CLEANUP,
)
_LIMIT = 120.0


@dataclass(frozen=True)
class Endurance:
    """Memory (MiB) and threads after each part of the run, and the measures of the whole run."""

    name: str
    memory_mib: list[float]
    threads: list[int]
    odometry: int = 0
    silence: float = 0.0
    jump: float = 0.0
    exit_status: int = 0

    @property
    def growth_mib(self) -> float:
        """Growth of memory from a fifth of the run, when all caches are full, to the end, MiB."""
        return self.memory_mib[-1] - self.memory_mib[len(self.memory_mib) // 5]


def cycle(bench: Bench, count: int, progress: bool = False) -> Endurance:
    """Configure, activate, track an image, deactivate and clean up, ``count`` times.

    Raises:
        DensebaError: when a transition is refused or nothing is tracked.
    """
    bench.start_node("denseba_node", **{"node.autostart": "false"})
    bench.write_script([("good", 3600.0)], loop=True)
    bench.start_camera()
    memory, running = [], []
    pid = bench.processes.pid("denseba_node")
    for k in tqdm(range(count), unit="cycle", desc="lifecycle", disable=not progress):
        for transition in _UP_DOWN:
            _change(bench, transition)
            if transition == Transition.TRANSITION_ACTIVATE:
                _wait_for_status(bench, len(bench.observer.states))
        if (k + 1) % max(count // 10, 1) == 0:
            memory.append(status_mib("VmRSS", pid))
            running.append(threads(pid))
    bench.processes.stop("camera")
    status = bench.processes.stop("denseba_node")
    return Endurance("lifecycle", memory, running, exit_status=status)


def _wait_for_status(bench: Bench, count: int) -> None:
    """Wait until the status of more than ``count`` images was published."""
    bench.processes.wait_until(
        lambda: len(bench.observer.states) > count, "the status of an image", _LIMIT
    )


def loop(bench: Bench, minutes: float, progress: bool = False) -> Endurance:
    """Run on images forth and back for so many ``minutes``."""
    bench.start_node("denseba_node")
    script = bench.write_script([("good", 3600.0)], loop=True)
    bench.start_camera()
    pid = bench.processes.pid("denseba_node")
    memory, running = [], []
    for _ in tqdm(range(60), unit="part", desc="loop", disable=not progress):
        time.sleep(minutes)
        memory.append(status_mib("VmRSS", pid))
        running.append(threads(pid))
    bench.processes.stop("camera")
    time.sleep(1.0)
    sent = read_sent(Path(script.log).read_text())
    observer = bench.observer
    status = bench.processes.stop("denseba_node")
    return Endurance(
        "loop",
        memory,
        running,
        len(observer.odometry),
        longest_silence(sent, observer.odometry),
        largest_jump(observer.odometry, observer.states, sent, bench.positions),
        status,
    )


def _change(bench: Bench, transition: int) -> None:
    client = bench.observer.change_state
    if not client.wait_for_service(_LIMIT):
        raise DensebaError("the node offers no change_state")
    future = client.call_async(ChangeState.Request(transition=Transition(id=transition)))
    bench.processes.wait_until(future.done, f"transition {transition}", _LIMIT)
    if not future.result().success:
        raise DensebaError(f"transition {transition} was refused")
