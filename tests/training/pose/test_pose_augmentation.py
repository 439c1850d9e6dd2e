"""Trembling cameras: images, motions and what repeats."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from denseba_ros.training.pose.pose_augmentation import PoseAugmentation, augmented, rotated_image

_GENERATOR = torch.Generator().manual_seed(0)
LANES, LENGTH, SIZE = 4, 3, (48, 64)
INTRINSICS = torch.tensor([60.0, 62.0, 31.0, 24.0]).expand(LANES, LENGTH, 4)
FRAMES = 255.0 * torch.rand(LANES, LENGTH + 1, 1, *SIZE, generator=_GENERATOR).round()
MOTIONS = torch.eye(4, dtype=torch.float64).repeat(LANES, LENGTH, 1, 1)
MOTIONS[..., 0, 3] = 0.5
SHAKEN = PoseAugmentation(turn=math.radians(2.0), gain=0.1, offset=5.0, noise=2.0)


def vary(augmentation: PoseAugmentation, begin: int = 5) -> tuple[Tensor, Tensor]:
    return augmented(augmentation, FRAMES, INTRINSICS, MOTIONS, 3, begin)


def test_a_bright_spot_moves_as_its_ray_does() -> None:
    """A spot at a ray in the camera is at R^T ray in the turned one."""
    R = torch.from_numpy(Rotation.from_rotvec([0.05, -0.08, 0.1]).as_matrix()).float()
    fx, fy, cx, cy = INTRINSICS[0, 0].tolist()
    y, x = torch.meshgrid(*(torch.arange(s).float() for s in SIZE), indexing="ij")
    spot = torch.exp(-((x - 40) ** 2 + (y - 20) ** 2) / 8.0)[None, None]
    seen = rotated_image(spot, INTRINSICS[:1, 0], R[None])[0, 0]
    ray = R.T @ torch.tensor([(40 - cx) / fx, (20 - cy) / fy, 1.0])
    at = [float((seen * axis).sum() / seen.sum()) for axis in (x, y)]
    expected = [float(fx * ray[0] / ray[2] + cx), float(fy * ray[1] / ray[2] + cy)]
    np.testing.assert_allclose(at, expected, atol=0.1)


def test_every_second_lane_stays_as_it_is() -> None:
    images, T = vary(SHAKEN)
    for lane in (0, 2):
        assert torch.equal(images[lane], FRAMES[lane])
        assert torch.equal(T[lane], MOTIONS[lane])
    for lane in (1, 3):
        assert not torch.equal(images[lane], FRAMES[lane])
        assert not torch.allclose(T[lane], MOTIONS[lane], atol=1e-3)


def test_augmentation_depends_on_the_step_of_the_stream_only() -> None:
    """The part that begins a step later shows the images that both have alike."""
    first, again = vary(SHAKEN), vary(SHAKEN)
    later = augmented(SHAKEN, FRAMES[:, 1:], INTRINSICS[:, 1:], MOTIONS[:, 1:], 3, 6)
    for one, other in zip(first, again, strict=True):
        assert torch.equal(one, other)
    for one, other in zip(first, later, strict=True):
        assert torch.equal(one[:, 1:], other)


def test_motions_are_those_of_the_rotated_cameras() -> None:
    """Without a motion of its own, a pair moves by what its cameras are turned against each other:
    turned back by it, the current image is the previous one."""
    one = torch.nn.functional.avg_pool2d(FRAMES[:, 0], 9, 1, 4)
    still = torch.eye(4, dtype=torch.float64).repeat(LANES, 1, 1, 1)
    turn = PoseAugmentation(turn=math.radians(2.0))
    images, T = augmented(turn, torch.stack([one, one], 1), INTRINSICS[:, :1], still, 0, 0)
    previous, current = images.unbind(1)
    back = rotated_image(current, INTRINSICS[:, 0], T[:, 0, :3, :3].mT.float())
    inner = (slice(None), slice(None), slice(8, -8), slice(8, -8))
    moved = (current - previous)[inner].abs().mean((1, 2, 3))
    left = (back - previous)[inner].abs().mean((1, 2, 3))
    assert bool((left[1::2] < 0.25 * moved[1::2]).all())
