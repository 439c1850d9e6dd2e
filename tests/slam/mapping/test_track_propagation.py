"""Corners that pass from keyframe to keyframe: where they are, their depth, what is observed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from denseba_ros.backend.problem import Noise
from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.config import Config
from denseba_ros.frontend.frontend import Frontend
from denseba_ros.geometry.grey import Grey
from denseba_ros.geometry.pinhole import Pinhole, project_by
from denseba_ros.slam.mapping.depth_initialisation import initialise_from_triangulation
from denseba_ros.slam.mapping.local_mapper import LocalMapper
from denseba_ros.slam.mapping.track_propagation import (
    PropagatedTracks,
    new_corners,
    propagate_tracks,
    track_back,
)
from denseba_ros.slam.state.frame import Frame

_SPACING = 10
_CELL = 12.0


class _World:
    """Two keyframes of the room with true depth, and the image after them."""

    def __init__(self, room: Any) -> None:
        self.room = room
        config = Config.from_dict({"device": "cpu", "backend": {"points": 300}})
        self._frontend = Frontend(config, room.sequence.calibration)
        self.camera = Pinhole.from_calibration(self._frontend.rectifier.calibration)
        self.mapper = LocalMapper(config, self.camera, Noise())
        for index in (0, _SPACING):
            still = torch.zeros(2, dtype=torch.float64)
            keyframe = self.mapper.add(self.image(index), self.pose(index), still)
            self.exact(keyframe, index)
        self.grey = self.image(2 * _SPACING).grey
        self.T = self.pose(2 * _SPACING)

    @property
    def keyframes(self) -> list[WindowKeyframe]:
        return self.mapper.keyframes

    def image(self, index: int) -> Frame:
        frame = self._frontend.process(self.room.stamps_ns[index], self.room.images[index])
        return Frame.prepare(frame)

    def flat(self) -> Grey:
        """An image of one grey level."""
        image = np.full_like(self.room.images[0], 128)
        return Frame.prepare(self._frontend.process(0, image)).grey

    def pose(self, index: int) -> Tensor:
        """T_camera_world, the world at the first camera."""
        sequence = self.room.sequence
        return torch.from_numpy(np.linalg.inv(sequence.pose(index)) @ sequence.pose(0))

    def true(self, pixels: Tensor, index: int) -> Tensor:
        """Inverse depth (M,) at pixels (M, 2) of an image."""
        x, y = pixels.round().long().unbind(-1)
        depth = torch.from_numpy(self.room.sequence.depth(index))
        h, w = depth.shape
        return 1.0 / depth[y.clamp(0, h - 1), x.clamp(0, w - 1)]

    def exact(self, keyframe: WindowKeyframe, index: int) -> None:
        points = keyframe.points
        initialise_from_triangulation(
            keyframe, points.pixels[points.valid], self.true(points.pixels[points.valid], index)
        )
        points.inverse_depth = self.true(points.pixels, index)
        points.relative_sigma = torch.full_like(points.inverse_depth, 0.02)

    def propagate_tracks(self, grey: Grey | None = None, count: int = 500) -> PropagatedTracks:
        propagated = propagate_tracks(
            self.camera, self.keyframes, 2, grey or self.grey, self.T, count, _CELL
        )
        assert propagated is not None
        return propagated


@pytest.fixture
def world(room: Any) -> _World:
    return _World(room)


def test_propagated_corners_have_the_true_pixel_and_depth(world: _World) -> None:
    propagated = world.propagate_tracks()
    assert len(propagated.pixels) > 100
    ratio = propagated.inverse_depth / world.true(propagated.pixels, 2 * _SPACING)
    assert float((ratio - 1).abs().median()) < 0.02
    cells = {(int(x), int(y)) for x, y in (propagated.pixels / _CELL).floor().tolist()}
    assert len(cells) == len(propagated.pixels)
    assert set(propagated.host.tolist()) == {0, 1}


def test_all_tracked_corners_are_observed(world: _World) -> None:
    propagated = world.propagate_tracks()
    for index, host in enumerate(world.keyframes):
        pixels, is_tracked = host.observed[2]
        rows = propagated.host == index
        assert bool(is_tracked[propagated.corner[rows]].all())
        assert torch.equal(pixels[propagated.corner[rows]], propagated.pixels[rows])
        assert int(is_tracked.sum()) > int(rows.sum())


def test_at_most_the_requested_number_is_propagated(world: _World) -> None:
    every, few = world.propagate_tracks(), world.propagate_tracks(count=40)
    assert torch.equal(few.pixels, every.pixels[:40])


def test_no_tracks_are_propagated_to_another_scene(world: _World) -> None:
    noise = np.random.default_rng(0).integers(0, 255, world.room.images[0].shape, np.uint8)
    frame = world._frontend.process(0, noise)
    assert len(world.propagate_tracks(Frame.prepare(frame).grey).pixels) < 15


def test_uncertain_corners_are_not_propagated(world: _World) -> None:
    for keyframe in world.keyframes:
        keyframe.points.relative_sigma.fill_(0.5)
    assert len(world.propagate_tracks().pixels) == 0


def test_no_tracks_are_propagated_to_the_first_keyframe(world: _World) -> None:
    assert propagate_tracks(world.camera, [], 0, world.grey, world.T, 500, _CELL) is None
    assert len(new_corners(world.grey, 300, _CELL, None)) > 100


def test_new_corners_keep_their_distance_from_propagated_ones(world: _World) -> None:
    propagated = world.propagate_tracks()
    corners = new_corners(world.grey, 500, _CELL, propagated)
    m = len(propagated.pixels)
    assert torch.equal(corners[:m], propagated.pixels)
    assert len(corners) - m > 0
    assert len(corners) <= 500
    gaps = torch.cdist(corners[m:], propagated.pixels)
    assert float(gaps.min()) > _CELL - 2.0


def test_a_corner_is_given_up_after_two_misses(world: _World) -> None:
    """One miss does not count for long: what is found again starts anew."""
    nothing, host = world.flat(), world.keyframes[1]

    def found(grey: Grey) -> int:
        world.propagate_tracks(grey)
        return int(host.observed[2][1].sum())

    every = found(world.grey)
    assert every > 100
    counts = []
    for grey in (nothing, world.grey, nothing, world.grey, nothing, nothing, world.grey):
        counts.append(found(grey))
    assert min(counts[1], counts[3]) > 0.95 * every
    assert counts[6] < 0.1 * every
    missed = host.misses == 2
    assert int(missed.sum()) > 0.9 * every
    assert not bool((missed & host.observed[2][1]).any())


def test_a_corner_out_of_sight_is_no_miss(world: _World) -> None:
    aside = torch.eye(4, dtype=torch.float64)
    aside[0, 3] = 100.0
    for _ in range(3):
        args = (world.camera, world.keyframes, 2, world.grey, aside @ world.T, 500, _CELL)
        assert propagate_tracks(*args) is not None
    assert not bool(world.keyframes[1].misses.any())


def test_new_corners_missed_in_the_newest_are_not_looked_for_in_older_ones(world: _World) -> None:
    """The newest other keyframe shows nothing: nothing is found there, nor in the older."""
    still = torch.zeros(2, dtype=torch.float64)
    new = world.mapper.add(world.image(2 * _SPACING), world.T, still)
    nobody = PropagatedTracks(*(torch.zeros(0, 2), *torch.zeros(2, 0), *torch.zeros(2, 0).long()))
    old, newest = world.keyframes[:2]
    track_back(world.camera, new, [old, newest], nobody)
    both = int(new.observed[old.id][1].sum())
    assert both > 100
    track_back(world.camera, new, [old, replace(newest, grey=world.flat())], nobody)
    assert int(new.observed[old.id][1].sum()) < 0.02 * both


def test_observations_come_along(world: _World) -> None:
    """A handed-on corner is observed where it was found before, at its true place."""
    still = torch.zeros(2, dtype=torch.float64)
    new = world.mapper.add(world.image(2 * _SPACING), world.T, still)
    for other, index in zip(world.keyframes[:2], (0, _SPACING), strict=True):
        pixels, is_tracked = new.observed[other.id]
        assert int(is_tracked.sum()) > 100
        T = new.T @ torch.linalg.inv(other.T)
        rays, depth = world.camera.rays(pixels[is_tracked]), world.true(pixels[is_tracked], index)
        seen = project_by(world.camera, rays, depth, T).pixels
        error = torch.linalg.vector_norm(
            seen - new.points.pixels[: len(is_tracked)][is_tracked], dim=1
        )
        assert float(error.median()) < 0.5


def test_without_propagated_tracks_nothing_is_observed(world: _World) -> None:
    new = world.keyframes[1]
    before = dict(new.observed)
    track_back(world.camera, new, [], None)
    assert new.observed == before
