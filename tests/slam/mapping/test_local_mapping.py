"""The mapping thread: one update at a time, taken when finished; its failures are not lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from denseba_ros.backend.problem import Noise
from denseba_ros.frontend.frontend import Frontend
from denseba_ros.geometry import se3
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.slam.mapping.local_mapper import LocalMapper
from denseba_ros.slam.mapping.local_mapping import (
    _PRESSED_IMAGES,
    LocalMapping,
    MapUpdate,
    NewKeyframe,
)
from denseba_ros.slam.scale.scale_drift import ScaleDriftFilter
from denseba_ros.slam.state.frame import Frame
from denseba_ros.slam.tracking.tracker import Tracker
from tests.slam.conftest import config

CPU = torch.device("cpu")


class Bench:
    """Images of the room with their true poses, given to a mapping that a test may hold up."""

    def __init__(self, room: Any) -> None:
        self.room, self.config = room, config()
        self.frontend = Frontend(self.config, room.sequence.calibration)
        self.camera = Pinhole.from_calibration(self.frontend.rectifier.calibration)
        self.mapper = LocalMapper(self.config, self.camera, Noise())
        self.tracker = Tracker(self.camera, (3, 2, 1), 8, Noise())
        self.may_go_on = threading.Event()

    def keyframe(self, i: int) -> NewKeyframe:
        image = Frame.prepare(self.frontend.process(self.room.stamps_ns[i], self.room.images[i]))
        T = se3.inverse(torch.from_numpy(self.room.sequence.pose(i)))
        return NewKeyframe(image, T, torch.zeros(2, dtype=torch.float64))

    def submit(self, mapping: LocalMapping, i: int) -> None:
        mapping.submit(self.mapper, self.tracker, self.keyframe(i))


@pytest.fixture
def bench(room: Any) -> Bench:
    return Bench(room)


@pytest.fixture
def held_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalMapping]:
    """Live, and each keyframe waits until the bench lets it go on."""
    original = LocalMapper.add

    def add(mapper: LocalMapper, *arguments: Any) -> Any:
        assert bench.may_go_on.wait(30.0)
        return original(mapper, *arguments)

    monkeypatch.setattr(LocalMapper, "add", add)
    mapping = LocalMapping(ScaleDriftFilter(0.0), CPU, is_live=True)
    yield mapping
    bench.may_go_on.set()
    mapping.discard()


def awaited(mapping: LocalMapping) -> MapUpdate:
    update = mapping.take(is_awaited=True)
    assert update is not None
    return update


def test_an_update_is_taken_once_it_is_finished(bench: Bench, held_up: LocalMapping) -> None:
    assert held_up.take(is_awaited=True) is None
    bench.submit(held_up, 0)
    assert held_up.is_busy
    assert held_up.take() is None
    with pytest.raises(RuntimeError, match="adjusted"):
        bench.submit(held_up, 1)
    bench.may_go_on.set()
    update = awaited(held_up)
    assert not held_up.is_busy
    assert update.local_map.newest.stamp_ns == bench.room.stamps_ns[0]
    assert held_up.take(is_awaited=True) is None


def test_a_failure_is_raised_where_the_update_is_taken(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapping = LocalMapping(ScaleDriftFilter(0.0), CPU, is_live=True)

    def fail(*_: Any) -> None:
        raise ValueError("the test says so")

    with monkeypatch.context() as patch:
        patch.setattr(LocalMapper, "add", fail)
        bench.submit(mapping, 0)
        with pytest.raises(ValueError, match="the test says so"):
            mapping.take(is_awaited=True)
        bench.submit(mapping, 0)
        mapping.discard()
    bench.submit(mapping, 0)
    assert len(awaited(mapping).local_map.keyframes) == 1


def test_the_next_keyframe_changes_nothing_in_a_snapshot(bench: Bench) -> None:
    mapping = LocalMapping(ScaleDriftFilter(0.0), CPU, is_live=False)
    updates = []
    for i in (0, 4, 8, 12, 16):
        bench.submit(mapping, i)
        updates.append(awaited(mapping))
        if i == 8:
            kept = updates[-1].local_map
            before = values(kept)
    assert len(before) == len(values(kept))
    for one, other in zip(before, values(kept), strict=True):
        np.testing.assert_array_equal(one, other)
    # The adjustment did change the keyframes themselves, and one left the window.
    assert not torch.equal(kept.newest.T, updates[-1].local_map.keyframes[-3].T)
    assert [len(u.left) for u in updates] == [0, 0, 0, 0, 1]


def values(local_map: Any) -> list[np.ndarray]:
    arrays = []
    for k in local_map.keyframes:
        points = (k.points.inverse_depth, k.points.relative_sigma, k.points.prior_depth)
        observed = [pixels for pixels, _ in k.observed.values()]
        arrays += [k.T, k.affine, k.inverse_depth_map, k.network_depth, *points, *observed]
    return [array.numpy().copy() for array in arrays]


def test_it_gives_way_to_tracking_until_its_update_is_awaited(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("denseba_ros.slam.mapping.local_mapping._MAX_PAUSE", 60.0)
    mapping = LocalMapping(ScaleDriftFilter(0.0), CPU, is_live=True)
    bench.submit(mapping, 0)
    awaited(mapping)
    mapping.is_tracking_behind = True
    bench.submit(mapping, 4)
    # Far longer than the keyframe takes.
    time.sleep(2.0)
    assert mapping.take() is None
    assert len(awaited(mapping).local_map.keyframes) == 2
    assert not mapping.is_tracking_behind


def test_it_gives_way_while_an_image_is_tracked_where_some_waited_of_late() -> None:
    mapping = LocalMapping(ScaleDriftFilter(0.0), CPU, is_live=True)

    def gives_way(is_behind: bool) -> tuple[bool, bool]:
        with mapping.tracking(is_behind):
            during = mapping.is_tracking_behind
        return during, mapping.is_tracking_behind

    assert gives_way(False) == (False, False)
    assert gives_way(True) == (True, True)
    for _ in range(_PRESSED_IMAGES - 1):
        assert gives_way(False) == (True, False)
    assert gives_way(False) == (False, False)


def test_it_no_longer_gives_way_when_tracking_failed() -> None:
    mapping = LocalMapping(ScaleDriftFilter(0.0), CPU, is_live=True)
    with mapping.tracking(True):
        pass
    with pytest.raises(ValueError, match="the test says so"), mapping.tracking(False):
        raise ValueError("the test says so")
    assert not mapping.is_tracking_behind


def test_a_keyframe_is_there_before_it_is_adjusted_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = LocalMapper.adjust
    may_adjust = threading.Event()

    def adjust(mapper: LocalMapper, levels: tuple[str, ...]) -> Any:
        assert may_adjust.wait(30.0)
        return original(mapper, levels)

    monkeypatch.setattr(LocalMapper, "adjust", adjust)
    mapping = LocalMapping(ScaleDriftFilter(0.0), CPU, is_live=True)
    assert mapping.take_added() is None
    bench.submit(mapping, 0)
    awaited(mapping)
    bench.submit(mapping, 4)
    added = mapping.take_added()
    assert added is not None
    before = added.points.inverse_depth.clone()
    assert added.stamp_ns == bench.room.stamps_ns[4]
    assert mapping.take() is None
    assert mapping.take_added() is None
    may_adjust.set()
    newest = awaited(mapping).local_map.newest
    assert newest.stamp_ns == added.stamp_ns
    assert torch.equal(added.points.inverse_depth, before)
    assert not torch.equal(newest.points.inverse_depth, before)


def test_a_keyframe_that_fails_is_not_waited_for_any_longer(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise ValueError("the test says so")

    monkeypatch.setattr(LocalMapper, "add", fails)
    mapping = LocalMapping(ScaleDriftFilter(0.0), CPU, is_live=True)
    bench.submit(mapping, 0)
    assert mapping.take_added() is None
    mapping.discard()


def test_in_lockstep_no_keyframe_is_under_way(bench: Bench) -> None:
    mapping = LocalMapping(ScaleDriftFilter(0.0), CPU, is_live=False)
    bench.submit(mapping, 0)
    assert mapping.take_added() is None
    awaited(mapping)
