"""Keyframes of the rendered room whose pose and depth are exact."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from denseba_ros.backend.problem import Noise
from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.config import Config
from denseba_ros.frontend.frontend import Frontend
from denseba_ros.geometry import se3
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.geometry.pyramid import sample
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.slam.mapping.keyframe_depth import GRID_LEVEL
from denseba_ros.slam.mapping.local_mapper import LocalMapper
from denseba_ros.slam.state.frame import Frame

ROOM = RoomSequence("sweep", 40, 320, 240)
FORWARD = RoomSequence("handheld", 40, 320, 240)
OTHER_ROOM = RoomSequence("sweep", 40, 320, 240, seed=5)
CAMERA = Pinhole.from_calibration(ROOM.calibration)


@pytest.fixture(scope="session")
def exact_keyframe() -> Callable[..., WindowKeyframe]:
    config = Config.from_dict({"device": "cpu", "frontend": {"depth_model": "constant"}})
    frontend = Frontend(config, ROOM.calibration)
    mapper = LocalMapper(config, CAMERA, Noise())

    def make(index: int, room: RoomSequence = ROOM) -> WindowKeyframe:
        image = Frame.prepare(frontend.process(1 + index, room.image(index)))
        T = se3.inverse(torch.from_numpy(room.pose(index)))
        keyframe = mapper.make_keyframe(image, T, torch.zeros(2, dtype=torch.float64))
        true = 1.0 / torch.from_numpy(room.depth(index))[None, None]
        points = keyframe.points
        points.inverse_depth = sample(true, points.pixels[None])[0, 0].contiguous()
        points.relative_sigma = torch.full_like(points.inverse_depth, 0.02)
        grid = F.avg_pool2d(true, 1 << GRID_LEVEL)[0, 0]
        keyframe.inverse_depth_map = torch.stack([grid, torch.full_like(grid, 0.02)])
        return keyframe

    return make
