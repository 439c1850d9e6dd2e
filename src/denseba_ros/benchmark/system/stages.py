"""Times of each stage of the system, frame by frame."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from denseba_ros.slam.state.estimate import Estimate, Tracking

# Stages of the table, in order; the backend runs on keyframes only. Mapping is a part of it in
# lockstep, and beside everything else live.
STAGES = ("frontend", "tracking", "backend", "mapping", "depth", "total")


@dataclass
class StageTimes:
    """Seconds by stage, one entry for each frame on which the stage ran."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {s: [] for s in STAGES})
    states: Counter[Tracking] = field(default_factory=Counter)
    keyframes: int = 0

    def add(self, estimate: Estimate, total: float) -> None:
        """Count one frame that took ``total`` seconds."""
        self.states[estimate.counts_as] += 1
        self.keyframes += estimate.is_keyframe
        for stage, seconds in {**estimate.seconds, "total": total}.items():
            if stage != "backend" or estimate.is_keyframe:
                self.seconds[stage].append(seconds)

    @property
    def frames(self) -> int:
        """Number of frames."""
        return sum(self.states.values())

    def as_json(self) -> dict[str, Any]:
        """Total frames per second, and median, p95 and share of the time of each stage."""
        total = sum(self.seconds["total"])
        return {
            "frames": self.frames,
            "tracked": self.states[Tracking.TRACKING],
            "keyframes": self.keyframes,
            "frames_per_second": self.frames / total if total else 0.0,
            "stages": {
                stage: {
                    "frames": len(values),
                    "median_ms": 1e3 * float(np.median(values)),
                    "p95_ms": 1e3 * float(np.percentile(values, 95)),
                    "share": sum(values) / total if total else 0.0,
                }
                for stage, values in self.seconds.items()
                if values
            },
        }
