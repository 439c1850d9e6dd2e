"""Which pose the figures of an evaluation are of."""

from __future__ import annotations

from typing import Any

FRAMES = {"odometry": "odom", "map": "map", "final": "map"}
"""The poses that are judged, in this order, and the frame that each is in."""


def pose_reports(evaluation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The report of each pose in ``evaluation`` (what evaluation.json holds), odometry first.

    A recorded run has a part for odometry and one for the map; `denseba run` has no odom, and all
    but the part of the final poses is of the map's pose.
    """
    parts = {pose: evaluation[pose] for pose in FRAMES if pose in evaluation}
    if "map" not in parts:
        parts = {evaluation.get("pose", "map"): evaluation, **parts}
    return parts
