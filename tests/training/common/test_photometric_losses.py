import math

import pytest
import torch
from torch import Tensor

from denseba_ros.training.common.photometric_losses import (
    auto_mask,
    brightness_adapted,
    fitted_brightness,
    masked_mean,
    minimum_reprojection,
    not_hidden,
    photometric_error,
    ssim_distance,
    warp,
)

K = torch.tensor([[40.0, 40.0, 31.5, 23.5]])


def smooth_image(shift: float = 0.0) -> Tensor:
    """(1, 1, 48, 64) that can be evaluated anywhere: the scene moves left by ``shift`` pixels."""
    y, x = torch.meshgrid(torch.arange(48.0), torch.arange(64.0), indexing="ij")
    x = x + shift
    return (120 + 60 * torch.sin(0.3 * x + 0.1 * y) + 40 * torch.cos(0.25 * y))[None, None]


def test_ssim_of_equal_images_is_zero_and_of_inverted_ones_large() -> None:
    image = smooth_image()
    assert float(ssim_distance(image, image).abs().max()) < 1e-5
    assert float(ssim_distance(image, 255.0 - image).mean()) > 0.5


def test_ssim_of_two_constants_is_the_formula() -> None:
    a, b = torch.full((1, 1, 5, 5), 100.0), torch.full((1, 1, 5, 5), 50.0)
    c1 = (0.01 * 255) ** 2
    expected = (1 - (2 * 100 * 50 + c1) / (100**2 + 50**2 + c1)) / 2
    torch.testing.assert_close(ssim_distance(a, b), torch.full_like(a, expected))


def test_photometric_error_weighs_ssim_and_difference() -> None:
    a, b = torch.full((1, 1, 5, 5), 100.0), torch.full((1, 1, 5, 5), 50.0)
    expected = 0.85 * ssim_distance(a, b) + 0.15 * 50 / 255
    torch.testing.assert_close(photometric_error(a, b), expected)


def test_warp_by_the_true_depth_gives_the_image_back() -> None:
    baseline, depth = 0.2, 4.0
    shift = 40.0 * baseline / depth
    T = torch.eye(4)[None]
    T[0, 0, 3] = -baseline
    right = smooth_image(shift)
    warped, seen, z = warp(right, torch.full((1, 1, 48, 64), depth), K, K, T)
    assert float((warped - smooth_image())[seen].abs().max()) < 0.01
    assert torch.equal(seen[0, 0, 0], torch.arange(64) >= shift)
    torch.testing.assert_close(z, torch.full_like(z, depth))


def test_warp_sees_nothing_behind_the_camera() -> None:
    T = torch.eye(4)[None]
    T[0, 2, 3] = -5.0
    _, seen, _ = warp(smooth_image(), torch.full((1, 1, 48, 64), 4.0), K, K, T)
    assert not bool(seen.any())


def test_gradient_of_the_warp_points_to_the_true_depth() -> None:
    T = torch.eye(4)[None]
    T[0, 0, 3] = -0.2
    right = smooth_image(40.0 * 0.2 / 4.0)
    for guess, sign in ((3.6, -1.0), (4.4, 1.0)):
        log_depth = torch.tensor(math.log(guess), requires_grad=True)
        depth = torch.exp(log_depth).expand(1, 1, 48, 64)
        warped, seen, _ = warp(right, depth, K, K, T)
        masked_mean(photometric_error(smooth_image(), warped), seen).backward()
        assert log_depth.grad is not None
        assert math.copysign(1.0, float(log_depth.grad)) == sign


def test_brightness_change_is_found_and_undone() -> None:
    target = smooth_image()
    dimmed = 0.7 * target + 12.0
    affine = fitted_brightness(target, dimmed, torch.ones_like(target, dtype=torch.bool))
    assert float(affine[0, 0]) == pytest.approx(-math.log(0.7), abs=1e-3)
    torch.testing.assert_close(brightness_adapted(dimmed, affine), target, atol=0.1, rtol=0.0)


def test_fitted_brightness_uses_visible_pixels_only() -> None:
    target, other = smooth_image(), smooth_image().clone()
    seen = torch.ones_like(target, dtype=torch.bool)
    seen[..., :20] = False
    other[..., :20] = 255.0
    affine = fitted_brightness(target, other, seen)
    torch.testing.assert_close(affine, torch.zeros(1, 2), atol=1e-3, rtol=0.0)


def test_minimum_is_over_views_that_see_the_pixel() -> None:
    errors = [torch.tensor([1.0, 5.0, 3.0]), torch.tensor([2.0, 4.0, 1.0])]
    seen = [torch.tensor([True, True, False]), torch.tensor([True, False, False])]
    assert minimum_reprojection(errors, seen).tolist() == [1.0, 5.0, float("inf")]


def test_auto_mask_drops_what_does_not_move() -> None:
    assert auto_mask(torch.tensor([0.1, 0.3]), torch.tensor([0.2, 0.2])).tolist() == [True, False]


def test_occluded_points_are_those_behind_the_views_own_depth() -> None:
    depth_in_view = torch.tensor([2.0, 2.0, 2.0])
    view_depth = torch.tensor([2.0, 1.0, 5.0])
    assert not_hidden(depth_in_view, view_depth).tolist() == [True, False, True]


def test_masked_mean_of_nothing_is_zero_with_a_gradient_of_zero() -> None:
    loss = torch.tensor([float("inf"), 2.0], requires_grad=True)
    value = masked_mean(loss, torch.tensor([False, False]))
    value.backward()
    assert value.item() == 0.0
    assert loss.grad is not None
    assert loss.grad.tolist() == [0.0, 0.0]
