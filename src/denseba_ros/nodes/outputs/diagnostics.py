"""A node's health as diagnostic_msgs, once a second on /diagnostics and per image on `status`."""

from __future__ import annotations

import math
import resource
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from denseba_ros.nodes.conversions.stamps import make_header, stamp_to_ns
from denseba_ros.nodes.outputs.health import Health, HealthReport
from denseba_ros.slam.inertial.imu_status import ImuStatus
from denseba_ros.slam.state.estimate import Estimate, Tracking
from denseba_ros.slam.state.metric_scale import MetricScale

PERIOD = 1.0
MAP_TO_ODOM = "map to odom"
"""Key of the first three rows of T_map_odom in the per-image status."""
IN_MAP = "in the map"
"""Key in the per-image status: why its place in the map is not known, absent where it is."""
PREDICTED_BEFORE = "odometry predicted before"
"""Key in the per-image status: its odometry was a prediction, published before this estimate."""
SCALE_DEVIATION = "metric scale, relative deviation"
"""Key in the per-image status: of a length in the map that is taken for metres."""
_IDENTITY = np.eye(4)
_STATM = Path("/proc/self/statm")
UNLOCALISED = "not localised yet"
"""What is said as long as no place of a map was recognised."""
DROPPED = "dropped"
"""First word of the per-image status of an image that was not processed."""


class DiagnosticsPublisher:
    """Publishes the health of ``node`` at 1 Hz of real time, even while simulated time stands.

    ``facts`` are more keys and values for each message; each of ``values`` gives those that change.
    ``problem`` gives what else needs somebody's attention, empty where nothing does.
    """

    def __init__(self, node: Node, health: Health) -> None:
        self._node, self._health = node, health
        self.facts: Mapping[str, str] = {}
        self.values: Sequence[Callable[[], Mapping[str, str]]] = ()
        self.problem: Callable[[], str] | None = None
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._timer = node.create_timer(PERIOD, self._publish, clock=_steady_clock())

    def _publish(self) -> None:
        now_ns = stamp_to_ns(self._node.get_clock().now().to_msg())
        name = self._node.get_fully_qualified_name().lstrip("/")
        facts = {**self.facts}
        for values in self.values:
            facts.update(values())
        facts.update(memory_in_use())
        problem = "" if self.problem is None else self.problem()
        status = health_status(name, self._health.report(), facts, problem)
        self._publisher.publish(DiagnosticArray(header=make_header(now_ns, ""), status=[status]))


def health_status(
    name: str, report: HealthReport, facts: Mapping[str, str], problem: str = ""
) -> DiagnosticStatus:
    """One status of the node ``name``: OK while it tracks and drops nothing.

    ``facts`` are more keys and values; a ``problem`` is a warning, also beside another one.
    """
    level, message = _verdict(report)
    is_mild = level in (DiagnosticStatus.OK, DiagnosticStatus.WARN)
    if problem and is_mild and report.lifecycle in ("", "active"):
        level, message = DiagnosticStatus.WARN, f"{message}; {problem}"
    values = {
        "tracking": "none yet" if report.tracking is None else report.tracking.value,
        "reason": report.reason,
        "lifecycle": report.lifecycle,
        "quality": f"{report.quality:.2f}",
        "lost for (s)": f"{report.lost_seconds:.1f}",
        "images": report.image_problem,
        "images received": str(report.received),
        "images processed": str(report.processed),
        "input rate (Hz)": f"{report.received_rate:.1f}",
        "output rate (Hz)": f"{report.processed_rate:.1f}",
        "keyframes": str(report.keyframes),
        **({} if report.metric_scale is None else scale_values(report.metric_scale)),
        **imu_values(report.imu),
        "resets": str(report.resets),
        "session": str(report.session),
        "gaps": str(report.gaps),
        "images without measured depth": str(report.without_depth),
        "latency (ms)": f"{1000 * report.latency[0]:.1f}",
        "latency, largest (ms)": f"{1000 * report.latency[1]:.1f}",
        **{f"{stage} (ms)": f"{1000 * s:.1f}" for stage, s in report.seconds.items()},
        "dropped": str(sum(report.drops.values())),
        **{f"dropped: {reason}": str(n) for reason, n in sorted(report.drops.items())},
        **facts,
    }
    return make_status(level, name, message, values)


def _verdict(report: HealthReport) -> tuple[bytes, str]:
    if report.lifecycle not in ("", "active"):
        return DiagnosticStatus.OK, report.lifecycle
    if report.paused:
        return DiagnosticStatus.WARN, "paused"
    if report.received_rate == 0.0:
        return DiagnosticStatus.STALE, "no images arrive"
    if report.tracking is Tracking.LOST:
        why = f"; images are {report.image_problem}" if report.image_problem else ""
        return DiagnosticStatus.ERROR, f"lost: {report.reason}{why}"
    if report.processed_rate == 0.0:
        reason = max(report.new_drops, key=lambda r: report.new_drops[r], default="still busy")
        return DiagnosticStatus.ERROR, f"images arrive, none is processed: {reason}"
    if report.tracking is Tracking.INITIALISING:
        return DiagnosticStatus.WARN, f"initialising: {report.reason}"
    if report.image_problem:
        return DiagnosticStatus.WARN, f"images are {report.image_problem}"
    if report.new_drops:
        dropped = ", ".join(f"{n} ({reason})" for reason, n in report.new_drops.items())
        return DiagnosticStatus.WARN, f"images dropped: {dropped}"
    return DiagnosticStatus.OK, "working" if report.tracking is None else "tracking"


def scale_values(scale: MetricScale) -> dict[str, str]:
    """Metres per unit of the map, and how well that is known, for a status."""
    return {
        "metric scale": "known" if scale.is_known else "unknown",
        "metres per unit": f"{scale.factor:.4f}",
        "metres per unit, deviation of the log": f"{scale.sigma:.4f}",
        SCALE_DEVIATION: repr(scale.deviation),
    }


def imu_values(imu: ImuStatus | None) -> dict[str, str]:
    """Clocks and axes of the IMU, and whether the camera stands, for a status."""
    if imu is None:
        return {}
    values = {
        "IMU": _use(imu),
        "IMU: standstill": str(imu.is_standing).lower(),
    }
    if imu.time_offset is not None and imu.time_offset_sigma is not None:
        values["IMU: time offset (ms)"] = f"{1e3 * imu.time_offset:.2f}"
        values["IMU: time offset, deviation (ms)"] = f"{1e3 * imu.time_offset_sigma:.2f}"
    if imu.axes_off is not None and imu.axes_sigma is not None:
        values["IMU: axes off by (deg)"] = f"{math.degrees(imu.axes_off):.2f}"
        values["IMU: axes, deviation (deg)"] = f"{math.degrees(imu.axes_sigma):.2f}"
    if imu.doubt:
        values["IMU: clocks and axes"] = imu.doubt
    return values


def _use(imu: ImuStatus) -> str:
    if imu.is_wrong:
        return "not used: turns otherwise than the images"
    return "used" if imu.is_used else "not used yet: too few turns were seen"


def memory_in_use() -> dict[str, str]:
    """MiB of this process, and of the GPU where there is one."""
    values = {}
    if _STATM.exists():
        pages = int(_STATM.read_text().split()[1])
        values["host memory (MiB)"] = f"{pages * resource.getpagesize() / 2**20:.0f}"
    if torch.cuda.is_available():
        values["GPU memory (MiB)"] = f"{torch.cuda.memory_reserved() / 2**20:.0f}"
    return values


def estimate_status(
    name: str,
    estimate: Estimate,
    health: Health,
    T_map_odom: np.ndarray | None = _IDENTITY,
    predicted_before: bool = False,
) -> DiagnosticArray:
    """What became of one image, with its stamp: its tracking state, in `status`.

    Where ``resets`` or ``session`` of ``health`` change, a new odometry frame began. ``T_map_odom``
    (4, 4) is named where it is not the identity; None: the place in the map is not known.
    ``predicted_before``: odometry of this stamp, or
    of a later one, was predicted and published before the estimate was there.
    """
    values = {
        "reason": estimate.reason,
        "keyframe": str(estimate.is_keyframe).lower(),
        "quality": f"{estimate.quality:.3f}",
        "resets": str(health.resets),
        "session": str(health.session),
        **scale_values(estimate.metric_scale),
        **imu_values(estimate.imu),
        **{f"{stage} (ms)": f"{1000 * s:.3f}" for stage, s in estimate.seconds.items()},
    }
    if T_map_odom is None:
        values[IN_MAP] = UNLOCALISED
    elif not np.array_equal(T_map_odom, _IDENTITY):
        values[MAP_TO_ODOM] = " ".join(repr(float(v)) for v in T_map_odom[:3].ravel())
    if predicted_before:
        values[PREDICTED_BEFORE] = "true"
    level = DiagnosticStatus.OK if estimate.is_measured else DiagnosticStatus.WARN
    status = make_status(level, name, estimate.counts_as.value, values)
    return DiagnosticArray(header=make_header(estimate.stamp_ns, ""), status=[status])


def drop_status(name: str, stamp_ns: int, reason: str) -> DiagnosticArray:
    """What became of one image, with its stamp: it was not processed."""
    status = make_status(DiagnosticStatus.WARN, name, DROPPED, {"reason": reason})
    return DiagnosticArray(header=make_header(stamp_ns, ""), status=[status])


def make_status(
    level: bytes, name: str, message: str, values: Mapping[str, str]
) -> DiagnosticStatus:
    """A status; ``level`` is one of DiagnosticStatus, ``values`` keeps its order."""
    return DiagnosticStatus(
        level=level,
        name=name,
        message=message,
        values=[KeyValue(key=key, value=value) for key, value in values.items()],
    )


def _steady_clock() -> Clock:
    return Clock(clock_type=ClockType.STEADY_TIME)
