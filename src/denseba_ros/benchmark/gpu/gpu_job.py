"""What every part is told: where to compute, at which size, on which images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from denseba_ros.sequences.sequence import Sequence


@dataclass(frozen=True)
class GpuJob:
    """``device`` to compute on; ``open_sequence`` gives the images of the whole system, None for
    the rendered room."""

    device: torch.device
    open_sequence: Callable[[], Sequence] | None = None

    @property
    def is_trial(self) -> bool:
        """On a CPU: every part end to end, on sizes that say nothing of speed."""
        return self.device.type == "cpu"
