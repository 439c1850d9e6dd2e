"""The first keyframes of a map are brought to the depth model's scale."""

from __future__ import annotations

import copy

import pytest
import torch

from denseba_ros.geometry import se3
from denseba_ros.slam.initialisation.scale_initialisation import initialise_scale
from tests.scaled_keyframe import TRUTH, keyframe, window_of


def test_depths_and_translations_get_the_models_scale() -> None:
    keyframes = [keyframe(1, 0.5), keyframe(2, 0.5)]
    before = copy.deepcopy(keyframes)
    # The model errs by plus and minus 20 %: the geometric mean is right.
    initialise_scale(window_of(*keyframes), [TRUTH + 0.2, TRUTH - 0.2])
    for k, b in zip(keyframes, before, strict=True):
        torch.testing.assert_close(k.points.inverse_depth, 0.5 * b.points.inverse_depth)
        torch.testing.assert_close(k.inverse_depth_map[0], torch.exp(-TRUTH))
        # The model's depth meets the map's in every image.
        torch.testing.assert_close(k.network_depth[0], torch.exp(-TRUTH))
        torch.testing.assert_close(k.points.prior_depth, k.points.inverse_depth)
    step, step_before = (k[1].T @ se3.inverse(k[0].T) for k in (keyframes, before))
    torch.testing.assert_close(keyframes[0].T, before[0].T)
    torch.testing.assert_close(step[:3, 3], 2.0 * step_before[:3, 3])
    torch.testing.assert_close(step[:3, :3], step_before[:3, :3])


def test_images_without_certain_points_are_not_used() -> None:
    keyframes = [keyframe(1, 0.5), keyframe(2, 0.5)]
    keyframes[1].points.relative_sigma[:] = 0.5
    initialise_scale(window_of(*keyframes), [TRUTH, TRUTH + 5.0])
    assert float(keyframes[0].inverse_depth_map[0, 0, 0]) == pytest.approx(
        float(torch.exp(-TRUTH[0, 0]))
    )


def test_without_any_certain_point_nothing_changes() -> None:
    keyframes = [keyframe(1, 0.5), keyframe(2, 0.5)]
    for k in keyframes:
        k.points.relative_sigma[:] = 0.5
    before = copy.deepcopy(keyframes)
    initialise_scale(window_of(*keyframes), [TRUTH, TRUTH])
    for k, b in zip(keyframes, before, strict=True):
        assert torch.equal(k.points.inverse_depth, b.points.inverse_depth)
        assert torch.equal(k.T, b.T)
