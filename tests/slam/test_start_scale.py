"""The first keyframes of a map are brought to the depth model's scale."""

from __future__ import annotations

import copy

import pytest
import torch

from denseba_ros.backend.window import Points, WindowKeyframe
from denseba_ros.frontend.flow import Grey
from denseba_ros.geometry import se3
from denseba_ros.slam.start_scale import take_scale

GENERATOR = torch.Generator().manual_seed(0)
PIXELS = torch.rand(200, 2, generator=GENERATOR) * torch.tensor([63.0, 47.0])
CELLS = ((PIXELS + 0.5) / 4).floor().long()
TRUTH = torch.rand(12, 16, generator=GENERATOR) + 0.5


def keyframe(number: int, scale: float) -> WindowKeyframe:
    """Its map is ``scale`` times the true depth; a third of the points is wrong and says so."""
    depth = scale * torch.exp(TRUTH[CELLS[:, 1], CELLS[:, 0]])
    sigma = torch.full_like(depth, 0.05)
    depth[::3] *= 9.0
    sigma[::3] = 0.4
    one = torch.ones_like(depth)
    points = Points(PIXELS, 1.0 / depth, sigma, one > 0, one.clone(), one.clone(), 50)
    twist = torch.tensor([0.3, 0.1, -0.2, 0.01, 0.02, 0.03], dtype=torch.float64)
    return WindowKeyframe(
        id=number,
        stamp_ns=number,
        grey=Grey(()),
        pyramid=[],
        T=se3.exp(twist * number),
        affine=torch.zeros(2, dtype=torch.float64),
        points=points,
        surface=torch.stack([1.0 / (scale * torch.exp(TRUTH)), torch.ones(12, 16)]),
        network_depth=torch.ones(2, 12, 16),
        edges=torch.ones(2, 12, 16),
    )


def test_depths_and_translations_take_the_models_scale() -> None:
    keyframes = [keyframe(1, 0.5), keyframe(2, 0.5)]
    before = copy.deepcopy(keyframes)
    # The model errs by plus and minus 20 %: the geometric mean is right.
    take_scale(keyframes, [TRUTH + 0.2, TRUTH - 0.2])
    for k, b in zip(keyframes, before, strict=True):
        torch.testing.assert_close(k.points.inverse_depth, 0.5 * b.points.inverse_depth)
        torch.testing.assert_close(k.surface[0], torch.exp(-TRUTH))
        # The model's depth meets the map's in every image.
        torch.testing.assert_close(k.network_depth[0], torch.exp(-TRUTH))
        torch.testing.assert_close(k.points.prior_depth, k.points.inverse_depth)
    step, step_before = (k[1].T @ se3.inverse(k[0].T) for k in (keyframes, before))
    torch.testing.assert_close(keyframes[0].T, before[0].T)
    torch.testing.assert_close(step[:3, 3], 2.0 * step_before[:3, 3])
    torch.testing.assert_close(step[:3, :3], step_before[:3, :3])


def test_images_without_certain_points_do_not_count() -> None:
    keyframes = [keyframe(1, 0.5), keyframe(2, 0.5)]
    keyframes[1].points.relative_sigma[:] = 0.5
    take_scale(keyframes, [TRUTH, TRUTH + 5.0])
    assert float(keyframes[0].surface[0, 0, 0]) == pytest.approx(float(torch.exp(-TRUTH[0, 0])))


def test_without_any_certain_point_nothing_changes() -> None:
    keyframes = [keyframe(1, 0.5), keyframe(2, 0.5)]
    for k in keyframes:
        k.points.relative_sigma[:] = 0.5
    before = copy.deepcopy(keyframes)
    take_scale(keyframes, [TRUTH, TRUTH])
    for k, b in zip(keyframes, before, strict=True):
        assert torch.equal(k.points.inverse_depth, b.points.inverse_depth)
        assert torch.equal(k.T, b.T)
