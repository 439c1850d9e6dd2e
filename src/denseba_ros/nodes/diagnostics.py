"""A node's health as diagnostic_msgs, once a second on /diagnostics and per image on `status`."""

from __future__ import annotations

from collections.abc import Mapping

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from denseba_ros.nodes.health import Health, HealthReport
from denseba_ros.nodes.stamps import make_header, stamp_to_ns
from denseba_ros.slam.estimate import Estimate, Tracking

PERIOD = 1.0
DROPPED = "dropped"
"""First word of the per-image status of an image that was not processed."""


class DiagnosticsPublisher:
    """Publishes the health of ``node`` at 1 Hz of real time, even while simulated time stands."""

    def __init__(self, node: Node, health: Health, facts: Mapping[str, str]) -> None:
        self._node, self._health, self._facts = node, health, dict(facts)
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._timer = node.create_timer(PERIOD, self._publish, clock=_steady_clock())

    def _publish(self) -> None:
        now_ns = stamp_to_ns(self._node.get_clock().now().to_msg())
        name = self._node.get_fully_qualified_name().lstrip("/")
        status = health_status(name, self._health.report(), self._facts)
        self._publisher.publish(DiagnosticArray(header=make_header(now_ns, ""), status=[status]))


def health_status(name: str, report: HealthReport, facts: Mapping[str, str]) -> DiagnosticStatus:
    """One status of a node: OK while it tracks and drops nothing."""
    level, message = _verdict(report)
    values = {
        "tracking": "none yet" if report.tracking is None else report.tracking.value,
        "reason": report.reason,
        "images received": str(report.received),
        "images processed": str(report.processed),
        "input rate (Hz)": f"{report.received_rate:.1f}",
        "output rate (Hz)": f"{report.processed_rate:.1f}",
        "keyframes": str(report.keyframes),
        "resets": str(report.resets),
        **{f"{stage} (ms)": f"{1000 * s:.1f}" for stage, s in report.seconds.items()},
        "dropped": str(sum(report.drops.values())),
        **{f"dropped: {reason}": str(n) for reason, n in sorted(report.drops.items())},
        **facts,
    }
    return make_status(level, name, message, values)


def _verdict(report: HealthReport) -> tuple[bytes, str]:
    if report.paused:
        return DiagnosticStatus.WARN, "paused"
    if report.received_rate == 0.0:
        return DiagnosticStatus.STALE, "no images arrive"
    if report.tracking is Tracking.LOST:
        return DiagnosticStatus.ERROR, f"lost: {report.reason}"
    if report.processed_rate == 0.0:
        reason = max(report.new_drops, key=lambda r: report.new_drops[r], default="still busy")
        return DiagnosticStatus.ERROR, f"images arrive, none is processed: {reason}"
    if report.tracking is Tracking.INITIALISING or report.reason:
        return DiagnosticStatus.WARN, f"initialising: {report.reason}"
    if report.new_drops:
        dropped = ", ".join(f"{n} ({reason})" for reason, n in report.new_drops.items())
        return DiagnosticStatus.WARN, f"images dropped: {dropped}"
    return DiagnosticStatus.OK, "working" if report.tracking is None else "tracking"


def estimate_status(name: str, estimate: Estimate) -> DiagnosticArray:
    """What became of one image, with its stamp: its tracking state, in `status`."""
    tracked = estimate.tracking is Tracking.TRACKING
    values = {
        "reason": estimate.reason,
        "keyframe": str(estimate.is_keyframe).lower(),
        **{f"{stage} (ms)": f"{1000 * s:.3f}" for stage, s in estimate.seconds.items()},
    }
    level = DiagnosticStatus.OK if tracked else DiagnosticStatus.WARN
    status = make_status(level, name, estimate.tracking.value, values)
    return DiagnosticArray(header=make_header(estimate.stamp_ns, ""), status=[status])


def drop_status(name: str, stamp_ns: int, reason: str) -> DiagnosticArray:
    """What became of one image, with its stamp: it was not processed."""
    status = make_status(DiagnosticStatus.WARN, name, DROPPED, {"reason": reason})
    return DiagnosticArray(header=make_header(stamp_ns, ""), status=[status])


def make_status(
    level: bytes, name: str, message: str, values: Mapping[str, str]
) -> DiagnosticStatus:
    return DiagnosticStatus(
        level=level,
        name=name,
        message=message,
        values=[KeyValue(key=key, value=value) for key, value in values.items()],
    )


def _steady_clock() -> Clock:
    return Clock(clock_type=ClockType.STEADY_TIME)
