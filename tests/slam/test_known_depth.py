"""A depth model of known scale takes the constant prior's place: metric from the first image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from denseba_ros.config import Config
from denseba_ros.frontend.depth.constant_depth import DEPTH_STRIDE
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.slam.state.estimate import Tracking
from denseba_ros.slam.system import System

_FRAMES = 20
_ERROR = 0.05


class _Oracle:
    """The rendered depth with smooth errors of 5 %, as a good network would give it."""

    name = "oracle"

    def __init__(self, room: Any) -> None:
        self._room = room
        self.index = 0

    def predict(self, image: Tensor, calibration: Calibration) -> tuple[Tensor, Tensor]:
        half = DEPTH_STRIDE // 2
        depth = self._room.sequence.depth(self.index)[half::DEPTH_STRIDE, half::DEPTH_STRIDE]
        log_depth = torch.from_numpy(np.log(depth)).float()[None, None]
        wave = torch.sin(torch.linspace(0.0, 9.0, log_depth.shape[-1]) + self.index)
        return log_depth + _ERROR * wave, torch.full_like(log_depth, 2 * _ERROR)


@pytest.mark.slow
def test_known_depth_initialises_at_once_and_keeps_the_scale(room: Any) -> None:
    system = System(Config.from_dict({"device": "cpu"}), room.sequence.calibration)
    oracle = _Oracle(room)
    system.frontend.depth_model = oracle
    errors, path = [], 0.0
    for i in range(_FRAMES):
        oracle.index = i
        estimate = system.process(room.stamps_ns[i], room.images[i])
        assert estimate.tracking is Tracking.TRACKING
        true = np.linalg.inv(room.sequence.pose(0)) @ room.sequence.pose(i)
        errors.append(np.linalg.norm(estimate.T_world_camera[:3, 3] - true[:3, 3]))
        path = float(np.linalg.norm(true[:3, 3]))
    assert path > 0.1
    # No alignment: position errors against ground truth in metres.
    assert max(errors) < 0.04 * path
    first = system.keyframes()[0]
    depth = torch.from_numpy(first.depth.depth)
    half = DEPTH_STRIDE // 2
    true_depth = torch.from_numpy(room.sequence.depth(0)[half::DEPTH_STRIDE, half::DEPTH_STRIDE])
    known = torch.isfinite(depth)
    assert float(known.float().mean()) > 0.9
    relative = (depth / true_depth - 1.0)[known].abs().median()
    assert float(relative) < _ERROR
