"""Statistics of a run for summary.json: counts, times per stage, peak memory, versions."""

from __future__ import annotations

import platform
import resource
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import torch

import denseba_ros
from denseba_ros.slam.state.estimate import Estimate, Tracking


@dataclass
class RunStatistics:
    """Collects one entry per frame; times are wall-clock seconds.

    Only images whose pose was measured are ``tracked``.
    """

    states: Counter[Tracking] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    without_depth: int = 0
    """Images that came without measured depth; counted by the caller."""

    def add(self, estimate: Estimate, total_seconds: float) -> None:
        """Count one frame; ``total_seconds`` is the duration of the whole call."""
        self.states[estimate.counts_as] += 1
        if estimate.reason:
            self.reasons[estimate.reason] += 1
        for stage, seconds in {**estimate.seconds, "total": total_seconds}.items():
            if seconds > 0:
                self.seconds.setdefault(stage, []).append(seconds)

    @property
    def tracked(self) -> int:
        """Images whose pose was measured."""
        return self.states[Tracking.TRACKING]

    def summary(self) -> dict[str, Any]:
        """Counts, and per stage the median, 95th percentile and number of frames."""
        return {
            "frames": sum(self.states.values()),
            "tracked": self.tracked,
            "initialising": self.states[Tracking.INITIALISING],
            "lost": self.states[Tracking.LOST],
            "map_started": self.tracked > 0,
            "reasons_not_tracking": dict(self.reasons.most_common(20)),
            "seconds_per_frame": stage_summary(self.seconds),
        }


def no_map_in_words(summary: Mapping[str, Any]) -> str:
    """That no map was started, and the most frequent reason; empty where an image was tracked.

    ``summary`` has ``frames``, ``tracked`` and ``reasons_not_tracking``, the most frequent first.
    """
    if summary["tracked"]:
        return ""
    reasons = iter(summary["reasons_not_tracking"])
    default = "no reason was given" if summary["frames"] else "no image was processed"
    return f"no map was started: {next(reasons, default)}"


def stage_summary(seconds: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    """Median, 95th percentile and number of frames of the seconds of each stage."""
    return {
        stage: {
            "median": float(np.median(values)),
            "p95": float(np.percentile(values, 95)),
            "frames": len(values),
        }
        for stage, values in seconds.items()
    }


def machine_summary(device: torch.device) -> dict[str, Any]:
    """Peak memory of this process so far, the device's name, and versions."""
    on_gpu = device.type == "cuda"
    host = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux counts in KiB
    gpu = torch.cuda.max_memory_allocated() / 2**20 if on_gpu else None
    return {
        "peak_memory_mib": {"host": host, "gpu": gpu},
        "device": {
            "kind": device.type,
            "name": torch.cuda.get_device_name() if on_gpu else platform.machine(),
            "cpu_threads": torch.get_num_threads(),
        },
        "versions": {
            "denseba_ros": denseba_ros.__version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "opencv": cv2.__version__,
        },
    }


def describe_machine(machine: dict[str, Any]) -> str:
    """One line of a ``machine_summary``: device, threads and torch."""
    device = machine["device"]
    threads = f", {device['cpu_threads']} threads" if device["kind"] == "cpu" else ""
    return f"{device['kind']} ({device['name']}{threads}), torch {machine['versions']['torch']}"
