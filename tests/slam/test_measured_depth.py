"""A depth camera's images make the map metric: with holes, late, and not with every image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from denseba_ros.config import Config
from denseba_ros.slam.state.estimate import Estimate, Tracking
from denseba_ros.slam.system import System

_FRAMES = 30


def _run(room: Any, *, first: int, every: int) -> tuple[list[Estimate], np.ndarray]:
    """Estimates, and the distance from the first image's place for each: (N, 2) estimated, true.

    Depth comes from image ``first`` on with each ``every``-th; 40 % of its pixels are unknown.
    """
    config = {"device": "cpu", "frontend": {"depth_model": "topic"}}
    system = System(Config.from_dict(config), room.sequence.calibration)
    estimates, places = [], []
    for i in range(_FRAMES):
        depth = None
        if i >= first and i % every == 0:
            depth = room.sequence.depth(i).astype(np.float32)
            depth[:, : int(0.4 * depth.shape[1])] = 0.0
        estimate = system.process(room.stamps_ns[i], room.images[i], depth)
        true = np.linalg.inv(room.sequence.pose(0)) @ room.sequence.pose(i)
        estimates.append(estimate)
        places.append([estimate.T_world_camera[:3, 3], true[:3, 3]])
    return estimates, np.array(places)


@pytest.mark.slow
def test_with_holes_and_not_with_every_image(room: Any) -> None:
    estimates, places = _run(room, first=0, every=3)
    assert all(e.tracking is Tracking.TRACKING for e in estimates[1:])
    assert all(e.metric_scale.sigma < 0.15 for e in estimates)
    path = np.linalg.norm(places[-1, 1])
    assert path > 0.1
    assert np.linalg.norm(places[:, 0] - places[:, 1], axis=1).max() < 0.05 * path


@pytest.mark.slow
def test_depth_that_comes_late_makes_the_map_metric(room: Any) -> None:
    """The constant depth is 2 m, the room is not: the steps are metric once depth is there."""
    estimates, places = _run(room, first=18, every=1)
    assert estimates[15].metric_scale.sigma > 0.5
    assert estimates[-1].metric_scale.sigma < 0.15
    steps = np.linalg.norm(places[-1] - places[-6], axis=1)
    assert steps[0] == pytest.approx(steps[1], rel=0.05)
