"""A system that was loaded before its camera was known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from denseba_ros.slam.system import System
from denseba_ros.slam.warm_up import warmed_up


@pytest.mark.slow
def test_a_warmed_up_system_works_like_a_new_one(system: System, room: Any) -> None:
    warm = warmed_up(system.config)
    warm.change_camera(room.sequence.calibration)
    for stamp, image in zip(room.stamps_ns[:20], room.images[:20], strict=True):
        expected, estimate = system.process(stamp, image), warm.process(stamp, image)
        assert np.array_equal(estimate.T_world_camera, expected.T_world_camera)
