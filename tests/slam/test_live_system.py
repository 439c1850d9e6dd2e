"""Tracking beside mapping: images do not wait, and what mapping says later is taken over."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from denseba_ros.evaluation.trajectory.alignment import umeyama
from denseba_ros.slam.mapping.local_mapper import LocalMapper
from denseba_ros.slam.state.estimate import Estimate, Tracking
from denseba_ros.slam.system import System
from tests.slam.conftest import config

pytestmark = pytest.mark.slow


class Gate:
    """Holds up adjustments beside tracking, but for those of a map's first keyframes, until it is
    opened."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.passed: set[int] = set()

    def pass_through(self, keyframes: int) -> None:
        if keyframes > 2 and threading.current_thread() is not threading.main_thread():
            assert self.open.wait(60.0)
            self.passed.add(keyframes)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate, original = Gate(), LocalMapper.adjust

    def adjust(mapper: LocalMapper, levels: tuple[str, ...]) -> Any:
        gate.pass_through(len(mapper.keyframes))
        return original(mapper, levels)

    monkeypatch.setattr(LocalMapper, "adjust", adjust)
    yield gate
    gate.open.set()


@pytest.fixture
def live(room: Any) -> System:
    return System(config(), room.sequence.calibration, is_live=True)


def until_a_keyframe(system: System, room: Any) -> int:
    """Index of the first image that becomes a keyframe of a map that exists already."""
    for i in range(len(room.images)):
        estimate = system.process(room.stamps_ns[i], room.images[i])
        if estimate.is_keyframe and not estimate.is_map_updated:
            return i
        system.await_mapping()
    raise AssertionError("no keyframe")


def error(estimates: list[Estimate], room: Any) -> float:
    """RMSE of the positions after alignment, metres."""
    path = np.array([e.T_world_camera[:3, 3] for e in estimates])
    truth = np.array([room.sequence.pose(room.index(e.stamp_ns))[:3, 3] for e in estimates])
    aligned = umeyama(path, truth).points(path)
    return float(np.sqrt(np.mean(np.sum((aligned - truth) ** 2, axis=1))))


def test_images_are_tracked_while_a_keyframe_is_being_adjusted(
    live: System, room: Any, gate: Gate
) -> None:
    k = until_a_keyframe(live, room)
    held_up = [live.process(room.stamps_ns[i], room.images[i]) for i in range(k + 1, k + 5)]
    for estimate in held_up:
        assert estimate.tracking is Tracking.TRACKING
        assert not estimate.is_keyframe
        assert not estimate.is_map_updated
        assert estimate.map_motion is None
    gate.open.set()
    live.await_mapping()  # the next image may come sooner
    assert len(gate.passed) == 1
    after = live.process(room.stamps_ns[k + 5], room.images[k + 5])
    assert after.is_map_updated
    assert after.map_motion is not None
    assert live.newest_keyframe().stamp_ns == room.stamps_ns[k]  # type: ignore[union-attr]
    # The map moved by little, and the camera goes on from where that put it.
    assert np.linalg.norm(after.map_motion - np.eye(4)) < 0.02
    before = after.map_motion @ held_up[-1].T_world_camera
    step = np.linalg.norm(after.T_world_camera[:3, 3] - before[:3, 3])
    usual = np.linalg.norm(np.diff([e.T_world_camera[:3, 3] for e in held_up], axis=0), axis=1)
    assert 0.8 * usual.min() < step < 1.2 * usual.max()


def test_the_path_beside_mapping_is_as_good(room: Any, run: Any, live: System) -> None:
    beside = []
    for i, pair in enumerate(zip(room.stamps_ns, room.images, strict=True)):
        beside.append(live.process(*pair))
        # The images of this test come faster than those of any camera.
        if i % 3 == 0:
            live.await_mapping()
    errors = [error([e for e in es if not e.reason], room) for es in (run.estimates, beside)]
    assert errors[1] < 2.0 * errors[0] + 0.002


def test_where_no_image_comes_between_it_equals_lockstep(room: Any, run: Any, live: System) -> None:
    """The keyframes' own poses apart, which are given before they are adjusted."""
    for one in run.estimates[:30]:
        other = live.process(one.stamp_ns, room.images[room.index(one.stamp_ns)])
        live.await_mapping()
        assert one.is_keyframe == other.is_keyframe
        if not one.is_keyframe:
            np.testing.assert_array_equal(one.T_world_camera, other.T_world_camera)
            # The step to a keyframe is counted with the uncertainty that was known by then.
            variances = np.diag(one.covariance), np.diag(other.covariance)
            np.testing.assert_allclose(*variances, rtol=0.1, atol=1e-5)
        assert other.map_motion is None


class LostAtFirst:
    """Calls the first ``count`` alignments lost; ``busy``: whether mapping was, at each call."""

    def __init__(self, system: System, count: int) -> None:
        self._system, self._count = system, count
        self.busy: list[bool] = []

    def __call__(self, _: Any) -> str:
        self.busy.append(self._system._mapping.is_busy)
        return "the test says so" if len(self.busy) <= self._count else ""


def test_before_it_waits_the_keyframe_under_way_is_tracked_against(
    live: System, room: Any, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    k = until_a_keyframe(live, room)
    held_up = [live.process(room.stamps_ns[k + 1], room.images[k + 1])]
    with monkeypatch.context() as patch:
        patch.setattr("denseba_ros.slam.system.reason_lost", LostAtFirst(live, 1))
        held_up.append(live.process(room.stamps_ns[k + 2], room.images[k + 2]))
    assert live._mapping.is_busy
    assert live._map_state.tracker.keyframe.stamp_ns == room.stamps_ns[k]
    # Whoever asks for the map is given one that is whole.
    assert live.newest_keyframe().stamp_ns < room.stamps_ns[k]  # type: ignore[union-attr]
    held_up += [live.process(room.stamps_ns[i], room.images[i]) for i in range(k + 3, k + 6)]
    for estimate in held_up:
        assert estimate.tracking is Tracking.TRACKING
        assert not estimate.is_map_updated
    steps = np.linalg.norm(np.diff([e.T_world_camera[:3, 3] for e in held_up], axis=0), axis=1)
    true = np.array([room.sequence.pose(i)[:3, 3] for i in range(k + 1, k + 6)])
    ratio = steps / np.linalg.norm(np.diff(true, axis=0), axis=1)
    assert ratio.max() < 1.2 * ratio.min()
    gate.open.set()
    live.await_mapping()
    after = live.process(room.stamps_ns[k + 6], room.images[k + 6])
    assert after.is_map_updated
    assert np.linalg.norm(after.map_motion - np.eye(4)) < 0.02


def test_before_it_is_lost_it_waits_for_the_newer_keyframe(
    live: System, room: Any, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    k = until_a_keyframe(live, room)
    lost = LostAtFirst(live, 2)
    original = live._mapping.take_added

    def take_added() -> Any:
        added = original()
        gate.open.set()
        return added

    monkeypatch.setattr(live._mapping, "take_added", take_added)
    monkeypatch.setattr("denseba_ros.slam.system.reason_lost", lost)
    estimate = live.process(room.stamps_ns[k + 1], room.images[k + 1])
    assert estimate.tracking is Tracking.TRACKING
    assert estimate.is_map_updated
    assert lost.busy == [True, True, False]


def test_a_reset_forgets_what_mapping_still_does(live: System, room: Any, gate: Gate) -> None:
    until_a_keyframe(live, room)
    gate.open.set()
    live.reset()
    assert live.keyframes() == []
    estimate = live.process(room.stamps_ns[0], room.images[0])
    assert not estimate.is_map_updated
    assert np.array_equal(estimate.T_world_camera, np.eye(4))


def test_depth_of_every_frame_comes_beside_tracking(room: Any) -> None:
    """Estimates come without; the listener gets depths of images that were tracked, in order."""
    settings = config()
    frontend = settings.frontend.model_copy(update={"depth_every": "frame"})
    live = System(
        settings.model_copy(update={"frontend": frontend}), room.sequence.calibration, is_live=True
    )
    heard: list[int] = []
    came = threading.Event()

    def listen(stamp_ns: int, depth: Any) -> None:
        assert depth.image is not None
        heard.append(stamp_ns)
        came.set()

    live.on_image_depth(listen)
    tracked = []
    for i in range(16):
        estimate = live.process(room.stamps_ns[i], room.images[i])
        live.await_mapping()
        if estimate.tracking is Tracking.TRACKING and not estimate.reason:
            tracked.append(estimate.stamp_ns)
            # The first of a map has the keyframe's.
            assert (estimate.depth is not None) is (len(tracked) == 1)
    assert came.wait(20.0)
    assert heard == sorted(set(heard))
    assert set(heard) <= set(tracked)
