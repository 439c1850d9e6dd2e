"""What the status of all images says together: times of stages, odometry frames, reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from denseba_ros.evaluation.results.run_statistics import stage_summary

_MILLISECONDS = " (ms)"


class StatusStatistics:
    """Collects keys and values of `status`."""

    def __init__(self) -> None:
        self._seconds: dict[str, list[float]] = {}
        self._frames: set[tuple[str, str]] = set()
        self._reasons: Counter[str] = Counter()

    def add(self, values: Mapping[str, str]) -> None:
        """Count one image; one that was dropped names neither times nor a session."""
        if "session" in values:
            self._frames.add((values["session"], values.get("resets", "")))
            if reason := values.get("reason"):
                self._reasons[reason] += 1
        for key, value in values.items():
            if key.endswith(_MILLISECONDS) and float(value) > 0:
                stage = key.removesuffix(_MILLISECONDS)
                self._seconds.setdefault(stage, []).append(float(value) / 1000)

    def summary(self) -> dict[str, Any]:
        """``odometry_frames`` that the node began, why images that it processed were not tracked,
        and seconds of each stage."""
        return {
            "reasons_not_tracking": dict(self._reasons.most_common(20)),
            "odometry_frames": len(self._frames),
            "seconds_per_frame": stage_summary(self._seconds),
        }
