from __future__ import annotations

import torch

from denseba_ros.frontend.pose.cell_rays import cell_rays

_INTRINSICS = torch.tensor([[50.0, 40.0, 7.5, 3.0]])


def test_cells_of_one_pixel_are_the_pixels() -> None:
    rays = cell_rays(_INTRINSICS, torch.Size((8, 16)), torch.Size((8, 16)))
    assert rays.shape == (1, 2, 8, 16)
    expected = torch.tensor([(11 - 7.5) / 50.0, (5 - 3.0) / 40.0])
    torch.testing.assert_close(rays[0, :, 5, 11], expected)


def test_larger_cells_have_the_mean_ray_of_their_pixels() -> None:
    fine = cell_rays(_INTRINSICS, torch.Size((8, 16)), torch.Size((8, 16)))
    coarse = cell_rays(_INTRINSICS, torch.Size((2, 4)), torch.Size((8, 16)))
    torch.testing.assert_close(coarse, torch.nn.functional.avg_pool2d(fine, 4))
