"""The figures of a live run: images, latency, losses, changes of map -> odom, cost, errors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Any

import numpy as np

from denseba_ros.benchmark.live.outputs_heard import STATUS, OutputsHeard
from denseba_ros.benchmark.live.process_usage import ProcessUsage
from denseba_ros.evaluation.results.recorded_pose import PoseState, RecordedPose
from denseba_ros.evaluation.trajectory.association import NANOSECONDS
from denseba_ros.nodes.conversions.odometry_from_msg import status_values
from denseba_ros.nodes.conversions.stamps import stamp_to_ns
from denseba_ros.nodes.outputs.diagnostics import DROPPED
from denseba_ros.nodes.tools.status_statistics import StatusStatistics
from denseba_ros.slam.state.estimate import Tracking

_SAME_TRANSFORM = 1e-6


def live_figures(
    heard: OutputsHeard, poses: Sequence[RecordedPose], usage: ProcessUsage
) -> dict[str, Any]:
    """All but the errors of the paths; ``usage`` is the node's from the first image to the end."""
    statistics = StatusStatistics()
    for status in heard.of(STATUS):
        statistics.add(status_values(status))
    images = image_counts(heard)
    processed = images["tracked"] + images["initialising"] + images["lost"]
    seconds = usage.user_seconds + usage.system_seconds
    states = Counter(pose.state for pose in poses)
    return {
        "times_real_time": times_real_time(heard),
        "images": images,
        "poses": {state.value: states[state] for state in PoseState},
        "latency_ms": latencies(heard, poses),
        "losses": losses(heard),
        "map_to_odom": changes(heard.map_to_odom()),
        "node": {
            "user_seconds": usage.user_seconds,
            "system_seconds": usage.system_seconds,
            "cpu_seconds": seconds,
            "cpu_ms_per_processed_image": 1e3 * seconds / processed if processed else None,
            "peak_memory_mib": usage.peak_memory_mib,
        },
        **statistics.summary(),
    }


def image_counts(heard: OutputsHeard) -> dict[str, Any]:
    """What became of the published images, as `status` says.

    ``tracked`` were measured; ``dropped`` counts by reason; of ``without_status`` the node said
    nothing: they were lost on the way. ``without_odometry`` may be of any state.
    """
    by_stamp = {stamp_to_ns(status.header.stamp): status for status in heard.of(STATUS)}
    stamps = [image.stamp_ns for image in heard.sent]
    known = [by_stamp[stamp] for stamp in stamps if stamp in by_stamp]
    states = Counter(status.status[0].message for status in known)
    reasons = Counter(
        status_values(status)["reason"] for status in known if status.status[0].message == DROPPED
    )
    arrivals = heard.odometry_arrivals()
    return {
        "published": len(stamps),
        "tracked": states[Tracking.TRACKING.value],
        "initialising": states[Tracking.INITIALISING.value],
        "lost": states[Tracking.LOST.value],
        "dropped": dict(reasons.most_common()),
        "without_status": len(stamps) - len(known),
        "without_odometry": sum(stamp not in arrivals for stamp in stamps),
    }


def latencies(
    heard: OutputsHeard, poses: Sequence[RecordedPose]
) -> dict[str, dict[str, float] | None]:
    """Milliseconds from the publication of an image to the arrival of the odometry with its stamp:
    of ``measured`` poses and of ``all``, predicted and lost ones too; None where there is none."""
    arrivals = heard.odometry_arrivals()
    measured = {pose.stamp_ns for pose in poses if pose.state is PoseState.TRACKED}
    waits = {
        image.stamp_ns: 1e3 * (arrivals[image.stamp_ns] - image.at)
        for image in heard.sent
        if image.stamp_ns in arrivals
    }
    return {
        "measured": _spread([wait for stamp, wait in waits.items() if stamp in measured]),
        "all": _spread(list(waits.values())),
    }


def _spread(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    p50, p95, p99, largest = (float(v) for v in np.percentile(values, [50, 95, 99, 100]))
    return {"count": len(values), "p50": p50, "p95": p95, "p99": p99, "max": largest}


def losses(heard: OutputsHeard) -> int:
    """How often tracking was lost; images that were dropped neither begin nor end a loss."""
    states = (status.status[0].message for status in heard.of(STATUS))
    runs = groupby(state for state in states if state != DROPPED)
    return sum(state == Tracking.LOST.value for state, _ in runs)


def changes(transforms: Sequence[np.ndarray]) -> dict[str, float] | None:
    """How often a transform (4, 4) changed, and the largest step in metres and in degrees; None
    where it was never heard."""
    if not transforms:
        return None
    count, largest_m, largest_deg = 0, 0.0, 0.0
    for before, after in pairwise(transforms):
        if np.abs(after - before).max() <= _SAME_TRANSFORM:
            continue
        step = np.linalg.inv(before) @ after
        cosine = np.clip((np.trace(step[:3, :3]) - 1.0) / 2.0, -1.0, 1.0)
        count += 1
        largest_m = max(largest_m, float(np.linalg.norm(step[:3, 3])))
        largest_deg = max(largest_deg, float(np.degrees(np.arccos(cosine))))
    return {"changes": count, "largest_m": largest_m, "largest_deg": largest_deg}


def times_real_time(heard: OutputsHeard) -> float | None:
    """Rate at which the images were published, of the rate of their stamps."""
    if len(heard.sent) < 2:
        return None
    first, last = heard.sent[0], heard.sent[-1]
    return (last.stamp_ns - first.stamp_ns) / NANOSECONDS / (last.at - first.at)
