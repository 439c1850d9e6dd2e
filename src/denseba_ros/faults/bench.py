"""Runs a fault scenario: node and camera in processes of their own, observed over DDS."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import rclpy
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter

from denseba_ros.benchmark.timing import status_mib
from denseba_ros.errors import DensebaError
from denseba_ros.faults.measures import (
    largest_jump,
    longest_pause,
    longest_silence,
    path_errors,
    recoveries,
)
from denseba_ros.faults.observer import Observer
from denseba_ros.faults.scenarios import Scenario
from denseba_ros.faults.script import USABLE, Script
from denseba_ros.nodes.tools.processes import Processes, node_command, python_module
from denseba_ros.nodes.tools.sent_images import Sent, read_sent
from denseba_ros.resources import share_file
from denseba_ros.sequences.poses.pose_table import read_poses
from denseba_ros.sequences.trajectory import format_seconds, tum_row

_START_SECONDS = 120.0
_PARAMETERS = {"node.prediction_rate": "30.0"}


@dataclass(frozen=True)
class Result:
    """Result of one scenario, in seconds and metres.

    All but ``map_error`` is of what a robot hears, in odom. ``silence`` is the longest time from an
    image to the next odometry, ``predicted_silence`` that between two messages of
    odometry/predicted; both 0 if the node itself was killed. ``jump`` excludes announced resets;
    ``odometry_error`` and ``map_error`` are RMS errors of the path, as ``measures.PathErrors`` has
    them; ``is_reported``: the expected message was reported.
    """

    name: str
    expected: str
    images: int
    odometry: int
    dropped: int
    silence: float
    predicted_silence: float
    jump: float
    odometry_error: float
    map_error: float
    recovery: float
    resets: int
    is_reported: bool
    exit_status: int
    stop_seconds: float
    memory_mib: float

    @property
    def faults(self) -> list[str]:
        """The violated limits, which are those of a flying robot; one phrase each."""
        violations = []
        if self.exit_status != 0:
            violations.append(f"exit status {self.exit_status}")
        if not self.is_reported:
            violations.append("did not report the fault")
        if self.silence > 0.5:
            violations.append(f"silent for {self.silence:.2f} s")
        if self.jump > 0.05:
            violations.append(f"odom jumped {self.jump:.3f} m")
        if self.recovery > 2.0:
            violations.append(f"tracking again after {self.recovery:.1f} s")
        if self.stop_seconds > 2.0:
            violations.append(f"took {self.stop_seconds:.1f} s to stop")
        return violations


class Bench:
    """Processes of one scenario, files in ``folder``; ``room`` is the folder of the images."""

    def __init__(self, processes: Processes, observer: Observer, room: Path, folder: Path) -> None:
        self.processes, self.observer = processes, observer
        self._room, self._folder = room, folder
        self.script_file = folder / "script.json"
        self.positions = read_poses(room / "groundtruth.txt").T_world_camera[:, :3, 3]

    def run(self, scenario: Scenario) -> Result:
        """Run one scenario to its end.

        Raises:
            DensebaError: when a process dies or no image is ever tracked.
        """
        nodes = ["frontend_node", "backend_node"] if scenario.distributed else ["denseba_node"]
        for node in nodes:
            self.start_node(node, **dict(scenario.parameters))
        script = self._script(scenario)
        self.start_camera()
        if scenario.kill:
            self._kill_and_restart(scenario.kill)
        elif scenario.sets_parameters:
            self._set_parameters(script.seconds)
            self.processes.wait("camera", script.seconds + _START_SECONDS)
        else:
            self.processes.wait("camera", script.seconds + _START_SECONDS)
        time.sleep(1.0)
        return self._result(scenario, script, nodes)

    def start_node(self, node: str, **more: str) -> None:
        """Start a node, ``more`` are further parameters, and wait until it is active."""
        command = node_command(node, share_file("config/denseba.yaml"), {**_PARAMETERS, **more})
        self.processes.start(node, command)
        line = "is unconfigured" if more.get("node.autostart") == "false" else "is active"
        if line == "is active":
            self.processes.wait_for_line(node, line, _START_SECONDS)

    def start_camera(self) -> None:
        """Start the scripted camera."""
        self.processes.start(
            "camera", python_module("denseba_ros.faults.camera", str(self.script_file))
        )

    def write_script(
        self, windows: list[tuple[str, float]], *, loop: bool = False, has_imu: bool = False
    ) -> Script:
        """Write the camera's script; ``windows`` of (fault, seconds)."""
        log = str(self._folder / "sent.log")
        script = Script(str(self._room), log, windows, loop=loop, has_imu=has_imu)
        script.save(self.script_file)
        return script

    def _script(self, scenario: Scenario) -> Script:
        return self.write_script(list(scenario.windows), has_imu=scenario.has_imu)

    def _kill_and_restart(self, name: str) -> None:
        observer = self.observer
        self._wait_for_tracking(0.0)
        time.sleep(3.0)
        self.processes.kill(name)
        time.sleep(2.0)
        if name == "camera":
            self.start_camera()
        else:
            self.start_node(name)
        restarted = time.monotonic()
        self._wait_for_tracking(restarted)
        time.sleep(3.0)
        assert observer.states
        self.processes.stop("camera")

    def _wait_for_tracking(self, since: float) -> None:
        self.processes.wait_until(
            lambda: self.observer.is_tracking(since), "a tracked image", _START_SECONDS
        )

    def _set_parameters(self, seconds: float) -> None:
        """Set live and fixed parameters alternately while images arrive."""
        client = self.observer.set_parameters_of_node
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for name, value, accepted in (
                ("keyframes.max_flow", 0.05, True),
                ("node.publish_points", True, True),
                ("backend.window", 5, False),
                ("keyframes.max_flow", 7.0, False),
            ):
                message = Parameter(name, value=value).to_parameter_msg()
                future = client.call_async(SetParameters.Request(parameters=[message]))
                deadline = time.monotonic() + 30.0
                while not future.done() and time.monotonic() < deadline:
                    time.sleep(0.01)
                answer = future.result()
                if answer is None or answer.results[0].successful != accepted:
                    raise DensebaError(f"setting {name} to {value} was answered by {answer}")

    def _result(self, scenario: Scenario, script: Script, nodes: list[str]) -> Result:
        observer = self.observer
        self._write_heard()
        sent = read_sent(Path(script.log).read_text())
        usable = [fault in USABLE for fault, _ in script.windows]
        last = nodes[-1]
        log = "".join(self.processes.log(node) for node in nodes)
        memory = status_mib("VmRSS", self.processes.pid(last))
        started = time.monotonic()
        statuses = [self.processes.stop(node) for node in nodes]
        stop_seconds = time.monotonic() - started
        states = observer.states
        times = (
            [_recovery_after_gap(sent, observer)]
            if scenario.kill
            else recoveries(sent, states, usable)
        )
        errors = path_errors(observer.odometry, states, sent, self.positions)
        reports = log + "".join(message for _, message, _ in observer.diagnostics)
        return Result(
            scenario.name,
            scenario.expected,
            len(sent),
            len(observer.odometry),
            sum(state.state == "dropped" for state in states),
            0.0 if scenario.distributed else longest_silence(sent, observer.odometry),
            0.0 if scenario.distributed else longest_pause(observer.predicted_at),
            largest_jump(observer.odometry, states, sent, self.positions),
            errors.odometry,
            errors.map,
            max(times, default=0.0),
            max((state.resets for state in states), default=0),
            scenario.message in reports,
            max(statuses, key=abs),
            stop_seconds / len(nodes),
            memory,
        )

    def _write_heard(self) -> None:
        """What the robot heard, as TUM rows, and what became of each image: to look at later."""
        heard = (m for m in self.observer.odometry if m.T.any())
        rows = (tum_row(message.stamp_ns, message.T) + "\n" for message in heard)
        (self._folder / "odometry.txt").write_text("".join(rows))
        states = (f"{format_seconds(s.stamp_ns)} {s.state}\n" for s in self.observer.states)
        (self._folder / "states.txt").write_text("".join(states))


def _recovery_after_gap(sent: list[Sent], observer: Observer) -> float:
    """Seconds from the first image after the node's longest silence to a tracked one."""
    if len(observer.states) < 2:
        return float("inf")
    pairs = pairwise(observer.states)
    _, after = max(pairs, key=lambda pair: pair[1].at - pair[0].at)
    first = min((s.at for s in sent if s.stamp_ns == after.stamp_ns), default=after.at)
    back = (s.at for s in observer.states if s.is_tracked and s.at >= after.at)
    return next(back, float("inf")) - first


@contextmanager
def observing() -> Iterator[Any]:
    """An observer in this process, in the ROS domain of the environment."""
    rclpy.init()
    observer = Observer()
    try:
        yield observer
    finally:
        observer.close()
        rclpy.try_shutdown()


def threads(pid: int) -> int:
    """Number of threads of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Threads"))
