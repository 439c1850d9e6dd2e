"""A depth model that is known to be rough: tracked from the second image on, and replaced by two
views once there is parallax."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from denseba_ros.config import Config
from denseba_ros.evaluation.trajectory.alignment import umeyama
from denseba_ros.slam.initialisation.map_initialisation import MapInitialiser, NewMap
from denseba_ros.slam.state.estimate import Estimate, Tracking
from denseba_ros.slam.system import System
from tests.slam.oracle import Oracle

pytestmark = pytest.mark.slow

_FRAMES, _ERROR, _SIGMA = 32, 0.2, 0.25


class _Start:
    """The first images of the room, what was said, and the images at which two views replaced the
    map."""

    def __init__(self, room: Any, patch: pytest.MonkeyPatch) -> None:
        settings = Config.from_dict({"device": "cpu", "frontend": {"depth_model": "constant"}})
        self.system = System(settings, room.sequence.calibration)
        self._oracle = Oracle(room.sequence, _ERROR, _SIGMA)
        self.system.frontend.depth_model = self._oracle
        self._room = room
        self.replaced: list[int] = []
        self.said: list[Estimate] = []
        refine = MapInitialiser.refine

        def watched(initialiser: MapInitialiser, *args: Any) -> NewMap | None:
            found = refine(initialiser, *args)
            self.replaced += [] if found is None else [len(self.said)]
            return found

        patch.setattr(MapInitialiser, "refine", watched)

    def __call__(self, index: int, image: np.ndarray | None = None) -> Estimate:
        self._oracle.index = index
        image = self._room.images[index] if image is None else image
        stamp = self._room.stamps_ns[len(self.said)]
        self.said.append(self.system.process(stamp, image))
        return self.said[-1]


@pytest.fixture
def start(room: Any, monkeypatch: pytest.MonkeyPatch) -> _Start:
    return _Start(room, monkeypatch)


@pytest.fixture(scope="module")
def started(room: Any) -> Iterator[_Start]:
    with pytest.MonkeyPatch.context() as patch:
        start = _Start(room, patch)
        for index in range(_FRAMES):
            start(index)
        yield start


def test_the_second_image_is_tracked_and_none_is_lost(started: _Start) -> None:
    first, *others = started.said
    assert first.tracking is Tracking.INITIALISING
    assert "first image" in first.reason
    assert first.is_keyframe
    assert first.depth is not None
    for estimate in others:
        assert estimate.tracking is Tracking.TRACKING
        assert not estimate.reason
        assert estimate.depth is not None


def test_two_views_replace_the_map_once_and_the_jump_is_no_motion(started: _Start) -> None:
    (index,) = started.replaced
    assert 1 <= index < 20
    told = [i for i, e in enumerate(started.said) if e.map_motion is not None]
    assert told == [index]
    estimate, before = started.said[index], started.said[index - 1]
    assert estimate.is_map_updated
    assert estimate.is_keyframe
    assert not np.allclose(estimate.map_motion, np.eye(4), atol=1e-5)
    # Without the jump the camera has gone on as before, in a step like the others.
    assert estimate.map_motion is not None
    unmoved = np.linalg.inv(estimate.map_motion) @ estimate.T_world_camera
    positions = [e.T_world_camera[:3, 3] for e in started.said[1:index]]
    steps = np.linalg.norm(np.diff(positions, axis=0), axis=1)
    step = np.linalg.norm(unmoved[:3, 3] - before.T_world_camera[:3, 3])
    assert step < 3.0 * steps.max() + 1e-3


def test_poses_are_right_to_their_deviations_before_two_views_and_better_after(
    started: _Start, room: Any
) -> None:
    (index,) = started.replaced
    true = np.stack(
        [np.linalg.inv(room.sequence.pose(0)) @ room.sequence.pose(i) for i in range(_FRAMES)]
    )
    said = np.stack([e.T_world_camera for e in started.said])
    for i, estimate in enumerate(started.said[1:], start=1):
        error = np.linalg.norm(said[i, :3, 3] - true[i, :3, 3])
        assert error < 3.0 * np.sqrt(np.trace(estimate.covariance[:3, :3]))
    late = slice(index, None)
    aligned = umeyama(said[late, :3, 3], true[late, :3, 3])
    error = np.linalg.norm(aligned.points(said[late, :3, 3]) - true[late, :3, 3], axis=1)
    path = np.linalg.norm(np.diff(true[late, :3, 3], axis=0), axis=1).sum()
    assert error.max() < 0.02 * path
    # The scale is the model's, whose errors have both signs.
    assert aligned.scale == pytest.approx(1.0, abs=_ERROR)


def test_a_first_image_that_nothing_was_tracked_against_is_dropped(
    start: _Start, room: Any
) -> None:
    other = np.ascontiguousarray(room.images[0][::-1, ::-1])
    start(0, other)
    assert start.system.keyframes() == []
    estimate = start(1)
    assert estimate.tracking is Tracking.INITIALISING
    assert "first image" in estimate.reason
    assert start.system.keyframes() == []
    # The turn between the two is unknown, and the pose says so.
    assert np.degrees(estimate.covariance[4, 4] ** 0.5) > 2.0
    assert start(2).tracking is Tracking.TRACKING
    (keyframe,) = start.system.keyframes()[:1]
    assert keyframe.stamp_ns == room.stamps_ns[1]


@pytest.mark.parametrize("has_model", [False, True])
def test_pure_noise_is_never_tracked(room: Any, has_model: bool) -> None:
    settings = Config.from_dict({"device": "cpu", "frontend": {"depth_model": "constant"}})
    system = System(settings, room.sequence.calibration)
    if has_model:
        system.frontend.depth_model = Oracle(room.sequence, _ERROR, _SIGMA)
    rng, deviations = np.random.default_rng(0), []
    for i in range(14):
        noise = rng.integers(0, 256, room.images[0].shape, dtype=np.uint8)
        estimate = system.process(room.stamps_ns[i], noise)
        assert estimate.tracking is Tracking.INITIALISING
        assert estimate.reason
        deviations.append(float(np.degrees(estimate.covariance[4, 4] ** 0.5)))
    assert system.keyframes() == system.finished_keyframes() == []
    # The covariance is that of a prediction that nothing confirms.
    assert deviations == sorted(deviations)
    assert deviations[-1] > 30.0
