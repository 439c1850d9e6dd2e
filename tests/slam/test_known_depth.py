"""A depth model of known scale takes the constant prior's place: metric from the first image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from denseba_ros.config import Config
from denseba_ros.frontend.depth.constant_depth import DEPTH_STRIDE
from denseba_ros.slam.state.estimate import Tracking
from denseba_ros.slam.system import System
from tests.slam.oracle import Oracle

_FRAMES = 20
_ERROR = 0.05


@pytest.mark.slow
def test_known_depth_initialises_at_once_and_keeps_the_scale(room: Any) -> None:
    system = System(Config.from_dict({"device": "cpu"}), room.sequence.calibration)
    oracle = Oracle(room.sequence, _ERROR, 2 * _ERROR)
    system.frontend.depth_model = oracle
    errors, path = [], 0.0
    for i in range(_FRAMES):
        oracle.index = i
        estimate = system.process(room.stamps_ns[i], room.images[i])
        # The first pose is the origin by definition; every other one is measured.
        assert estimate.tracking is (Tracking.TRACKING if i else Tracking.INITIALISING)
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
