"""The map: first depth of new keyframes, matches, the window's size and what leaves it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from denseba_ros.backend.photometric import PatchReference, patch_reference
from denseba_ros.backend.problem import Noise
from denseba_ros.config import Config
from denseba_ros.frontend.frontend import Frontend
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.slam.mapping.depth_initialisation import initialise_from_triangulation
from denseba_ros.slam.mapping.local_mapper import LocalMapper
from denseba_ros.slam.state.frame import Frame

_NO_CHANGE = torch.zeros(2, dtype=torch.float64)
_SPACING = 10


class _Room:
    """Feeds frames of the room at their true poses, with or without their true depth."""

    def __init__(self, room: Any, backend: dict[str, Any]) -> None:
        self.room = room
        self.config = Config.from_dict({"device": "cpu", "backend": {"points": 500, **backend}})
        self.frontend = Frontend(self.config, room.sequence.calibration)
        camera = Pinhole.from_calibration(self.frontend.rectifier.calibration)
        self.mapper = LocalMapper(self.config, camera, Noise())

    def pose(self, index: int) -> Tensor:
        """T_camera_world, the world at the first camera."""
        sequence = self.room.sequence
        return torch.from_numpy(np.linalg.inv(sequence.pose(index)) @ sequence.pose(0))

    def add(self, index: int) -> Any:
        frame = self.frontend.process(self.room.stamps_ns[index], self.room.images[index])
        image = Frame.prepare(frame)
        return self.mapper.add(image, self.pose(index), _NO_CHANGE.clone())

    def seed(self, keyframe: Any, index: int) -> None:
        """Exact depth at the corners, as two views would give it."""
        pixels = keyframe.points.pixels[keyframe.points.valid][:300]
        x, y = pixels.round().long().unbind(-1)
        depth = torch.from_numpy(self.room.sequence.depth(index))[y, x]
        initialise_from_triangulation(keyframe, pixels, 1.0 / depth)

    def ratio(self, keyframe: Any, index: int) -> tuple[Tensor, Tensor]:
        """Estimated over true inverse depth of the points, and which of them are known."""
        x, y = keyframe.points.pixels.round().long().unbind(-1)
        h, w = self.room.images[0].shape
        depth = torch.from_numpy(self.room.sequence.depth(index))
        true = depth[y.clamp(0, h - 1), x.clamp(0, w - 1)]
        known = keyframe.points.valid & (keyframe.points.relative_sigma < 0.3)
        return keyframe.points.inverse_depth * true, known


@pytest.fixture
def world(room: Any) -> _Room:
    return _Room(room, {"window": 3})


def test_search_finds_depth_of_a_second_keyframe(world: _Room) -> None:
    first = world.add(0)
    world.seed(first, 0)
    second = world.add(_SPACING)
    ratio, known = world.ratio(second, _SPACING)
    assert float(known.float().mean()) > 0.5
    assert float((ratio[known] - 1).abs().median()) < 0.05


def test_corners_are_observed_both_ways(world: _Room) -> None:
    first = world.add(0)
    world.seed(first, 0)
    second = world.add(_SPACING)
    for host, target in ((first, second), (second, first)):
        places, ok = host.observed[target.id]
        assert places.shape == (host.points.corners, 2)
        assert int(ok.sum()) > 100
    places, ok = first.observed[second.id]
    shift = (places - first.points.pixels[: first.points.corners])[ok]
    # The camera goes to the right, so everything moves to the left.
    assert float(shift[:, 0].median()) < -2.0


@pytest.mark.parametrize("left_behind", ["prior", "drop"])
@pytest.mark.slow
def test_the_window_keeps_its_size(room: Any, left_behind: str) -> None:
    world = _Room(room, {"window": 3, "marginalisation": left_behind})
    gone = []
    for n, index in enumerate(range(0, 45, _SPACING)):
        keyframe = world.add(index)
        if n == 0:
            world.seed(keyframe, 0)
        else:
            world.mapper.adjust(("coarse", "fine"))
        gone += world.mapper.marginalise()
        assert len(world.mapper.keyframes) == min(n + 1, 3)
        prior = world.mapper.window.prior
        assert prior is not None
        assert len(prior.b) == 8 * len(world.mapper.keyframes)
    left = [k.id for k in world.mapper.keyframes]
    assert sorted([k.id for k in gone] + left) == [0, 1, 2, 3, 4]
    assert left[-2:] == [3, 4]
    for keyframe in world.mapper.keyframes:
        assert set(keyframe.observed) <= set(left)


@pytest.mark.slow
def test_true_poses_stay_and_depth_gets_better(world: _Room) -> None:
    errors = []
    for index in (0, _SPACING, 2 * _SPACING):
        keyframe = world.add(index)
        if index == 0:
            world.seed(keyframe, 0)
    started = [k.inverse_depth_map for k in world.mapper.keyframes]
    for _ in range(2):
        ratio, known = world.ratio(world.mapper.keyframes[1], _SPACING)
        scale = ratio[known].median()
        errors.append(float((ratio[known] / scale - 1).abs().median()))
        world.mapper.adjust(("coarse", "fine"))
    assert errors[1] < 0.8 * errors[0]
    for keyframe, inverse_depth_map in zip(world.mapper.keyframes, started, strict=True):
        assert keyframe.first_inverse_depth_map is inverse_depth_map
    for keyframe, index in zip(world.mapper.keyframes, (0, _SPACING, 2 * _SPACING), strict=True):
        R = (keyframe.T @ torch.linalg.inv(world.pose(index)))[:3, :3]
        assert float(torch.rad2deg(torch.arccos(((R.trace() - 1) / 2).clamp(max=1.0)))) < 0.15


def test_what_the_window_keeps_of_its_keyframes_is_what_they_show(world: _Room) -> None:
    """Stacked images and patches, after keyframes came, were adjusted, rescaled, and left."""
    for index in range(5):
        keyframe = world.add(index * _SPACING)
        if index == 0:
            world.seed(keyframe, 0)
            continue
        world.mapper.adjust(("coarse", "fine"))
        world.mapper.window.rescale(1.1, about=-1)
        left = world.mapper.marginalise()
        assert all(not gone.patches for gone in left)
        window = world.mapper.window
        problem = window.problem({1, 2})
        for level in (1, 2):
            expected = torch.cat([k.pyramid[level] for k in window.keyframes])
            assert torch.equal(problem.images[level], expected)
            _assert_same(window.patches(level), patch_reference(problem, level))
        _assert_same(window.patches(1, [1]), patch_reference(problem.only_host(1), 1))
    assert len(world.mapper.keyframes) == 3


def _assert_same(first: PatchReference, second: PatchReference) -> None:
    for name in ("pixels", "brightness", "weight", "usable"):
        assert torch.equal(getattr(first, name), getattr(second, name)), name


@pytest.mark.slow
def test_lbfgs_can_be_chosen(room: Any) -> None:
    world = _Room(room, {"window": 3, "points": 100, "solver": "lbfgs"})
    first = world.add(0)
    world.seed(first, 0)
    world.add(_SPACING)
    result = world.mapper.adjust(("fine",))
    assert float(result.energies[0, 1]) < float(result.energies[0, 0])
