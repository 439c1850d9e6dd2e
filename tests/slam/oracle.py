"""A depth model that knows the rendered depth up to smooth errors, as a network would."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from denseba_ros.frontend.depth.constant_depth import DEPTH_STRIDE
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.room.synthetic_room import RoomSequence


class Oracle:
    """Log-depth of image ``index`` (to be set) of a sequence, with errors up to ``error`` and the
    standard deviation ``sigma``."""

    name = "oracle"

    def __init__(self, sequence: RoomSequence, error: float, sigma: float) -> None:
        self._sequence, self._error, self._sigma = sequence, error, sigma
        self.index = 0

    def predict(self, image: Tensor, calibration: Calibration) -> tuple[Tensor, Tensor]:
        """Log-depth and its standard deviation, both (1, 1, h, w)."""
        half = DEPTH_STRIDE // 2
        depth = self._sequence.depth(self.index)[half::DEPTH_STRIDE, half::DEPTH_STRIDE]
        log_depth = torch.from_numpy(np.log(depth)).float()[None, None]
        wave = torch.sin(torch.linspace(0.0, 9.0, log_depth.shape[-1]) + self.index)
        return log_depth + self._error * wave, torch.full_like(log_depth, self._sigma)
