"""The first keyframes of a map: one with a depth model, two without."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from denseba_ros.config import Config
from denseba_ros.frontend.frontend import Frontend
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.slam.components import Components
from denseba_ros.slam.initialisation.map_initialisation import MapInitialiser, NewMap
from denseba_ros.slam.mapping.local_mapper import LocalMapper
from denseba_ros.slam.state.frame import Frame

_EYE = torch.eye(4, dtype=torch.float64)
_DEPTH = 3.0


class _Feed:
    """Images of the room into an initialiser; the depth model knows a wall with deviation
    ``sigma`` of its log-depth."""

    def __init__(self, room: Any, sigma: float, median_depth: float | None = None) -> None:
        depth = {"depth_model": "constant", "constant_depth": _DEPTH, "constant_sigma": sigma}
        config = Config.from_dict(
            {"device": "cpu", "frontend": depth, "tracker": {"relocalise": False}}
        )
        self._room, self._frontend = room, Frontend(config, room.sequence.calibration)
        self._make = Components(config)
        self.initialiser: MapInitialiser = self._make.initialiser(median_depth)

    def __call__(self, index: int, T: torch.Tensor = _EYE, is_tracked: bool = False) -> Any:
        stamp, image = self._room.stamps_ns[index], self._room.images[index]
        frame = Frame.prepare(self._frontend.process(stamp, image))
        take = self.initialiser.refine if is_tracked else self.initialiser.process
        return take(frame, T, self._mapper)

    def until_found(self) -> NewMap:
        for index in range(20):
            if (new := self(index)) is not None:
                assert index > 0
                return new
            assert self.initialiser.reason
        raise AssertionError("no map")

    def _mapper(self) -> LocalMapper:
        return self._make.mapper(Pinhole.from_calibration(self._room.sequence.calibration))


def _median_depth(new: NewMap) -> float:
    points = new.mapper.keyframes[0].points
    return float(1.0 / points.inverse_depth[points.valid].median())


@pytest.mark.parametrize(("sigma", "needs_two_views"), [(0.25, True), (0.02, False)])
def test_with_a_model_the_first_image_is_a_keyframe_where_it_was_predicted(
    room: Any, sigma: float, needs_two_views: bool
) -> None:
    feed, T = _Feed(room, sigma), _EYE.clone()
    T[0, 3] = 0.5
    new = feed(0, T)
    assert new.mapper.keyframes == []
    assert new.refine is None
    assert new.create_and_refine() == 1.0
    (keyframe,) = new.mapper.keyframes
    torch.testing.assert_close(keyframe.T, T)
    assert _median_depth(new) == pytest.approx(_DEPTH, rel=0.05)
    assert feed.initialiser.needs_two_views is needs_two_views
    assert feed.initialiser.median_depth == pytest.approx(_DEPTH, rel=1e-3)


def test_a_model_that_knows_nothing_gives_no_map_from_one_image(room: Any) -> None:
    feed = _Feed(room, 1.0)
    assert feed(0) is None
    assert feed.initialiser.reason == "the first image"
    pose = feed.initialiser.pose
    assert pose is not None
    assert torch.equal(pose.T, _EYE)
    assert feed(1) is None
    assert "waiting" in feed.initialiser.reason


@pytest.mark.slow
@pytest.mark.parametrize("before", [None, 7.0])
def test_two_views_have_the_median_depth_of_the_map_before_or_of_the_prior(
    room: Any, before: float | None
) -> None:
    new = _Feed(room, 1.0, before).until_found()
    new.create()
    first, second = new.mapper.keyframes
    assert torch.equal(first.T, _EYE)
    assert float(second.T[:3, 3].norm()) > 0.0
    assert _median_depth(new) == pytest.approx(before or _DEPTH, rel=0.2)
    # (That is of the corners of both views, and the points are others.) Nothing tells
    # another scale.
    assert new.refine is not None
    assert new.refine() == 1.0


@pytest.mark.slow
def test_two_views_take_the_place_of_the_models_map_at_its_scale(room: Any) -> None:
    """``median_depth`` of a map before does not matter where the model knows the scale."""
    feed = _Feed(room, 0.25, 7.0)
    assert feed(0) is not None
    found = [feed(index, is_tracked=True) for index in range(1, 12)]
    new = next(one for one in found if one is not None)
    factor = new.create_and_refine()
    assert factor == pytest.approx(1.0, abs=0.3)
    assert len(new.mapper.keyframes) == 2
    torch.testing.assert_close(new.mapper.keyframes[0].T, _EYE, atol=1e-5, rtol=0)
    assert _median_depth(new) == pytest.approx(_DEPTH, rel=0.2)
