"""Augmentation of a stream of images: additional camera rotation and changes of exposure.

A rotation of the camera is a homography of the image, so it gives pairs of another, known motion.
The rotation of an image depends only on the seed, the step of the stream and the lane: the next
pair, which begins with the same image, uses the same rotation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from denseba_ros.training.common.photometric_losses import brightness_adapted, warp


@dataclass(frozen=True)
class PoseAugmentation:
    """Standard deviations: ``turn`` of each rotation angle (radians), ``gain`` (of its log),
    ``offset`` and ``noise`` of brightness (grey levels). All zero: images unchanged. Every second
    lane is augmented.
    """

    turn: float = 0.0
    gain: float = 0.0
    offset: float = 0.0
    noise: float = 0.0

    @property
    def any(self) -> bool:
        """Whether any standard deviation is not zero."""
        return max(self.turn, self.gain, self.offset, self.noise) > 0.0


@dataclass(frozen=True)
class _Draw:
    """The augmentation of one step: ``R`` (B, 3, 3) R_camera_rotated, ``affine`` (B, 2) as in
    ``brightness_adapted``, and the seed of the noise."""

    R: Tensor
    affine: Tensor
    noise: int


def augmented(
    augmentation: PoseAugmentation,
    images: Tensor,
    intrinsics: Tensor,
    T: Tensor,
    seed: int,
    begin: int,
) -> tuple[Tensor, Tensor]:
    """Augmented images (B, L + 1, 1, H, W) and motions (B, L, 4, 4) of the L steps from ``begin``.

    ``images`` (B, L + 1, 1, H, W), the first of the step before; ``intrinsics`` (B, L, 4); ``T``
    (B, L, 4, 4) T_previous_current.
    """
    lanes, length = T.shape[:2]
    draws = [_draw(augmentation, lanes, seed, begin - 1 + k) for k in range(length + 1)]
    changed = [
        _augmented_image(augmentation, images[:, k], intrinsics[:, max(k - 1, 0)], draw)
        for k, draw in enumerate(draws)
    ]
    rotations = torch.stack([_homogeneous(draw.R) for draw in draws], 1).to(T)
    return torch.stack(changed, 1), rotations[:, :-1].mT @ T @ rotations[:, 1:]


def _draw(augmentation: PoseAugmentation, lanes: int, seed: int, step: int) -> _Draw:
    rng = np.random.default_rng((seed, 7, step + 1))
    vary = (np.arange(lanes) % 2 == 1)[:, None]
    vectors = augmentation.turn * rng.normal(size=(lanes, 3)) * vary
    brightness = rng.normal(size=(lanes, 2)) * [augmentation.gain, augmentation.offset] * vary
    R = torch.from_numpy(Rotation.from_rotvec(vectors).as_matrix())
    return _Draw(R, torch.from_numpy(brightness).float(), int(rng.integers(1 << 31)))


def _augmented_image(
    augmentation: PoseAugmentation, image: Tensor, intrinsics: Tensor, draw: _Draw
) -> Tensor:
    """Images (B, 1, H, W) of one step, in whole grey levels, as in inference."""
    rotated = rotated_image(image, intrinsics, draw.R.to(image))
    generator = torch.Generator().manual_seed(draw.noise)
    noise = augmentation.noise * torch.randn(image.shape, generator=generator).to(image)
    changed = brightness_adapted(rotated, draw.affine.to(image)) + noise
    vary = torch.arange(len(image), device=image.device) % 2 == 1
    changed = torch.where(vary[:, None, None, None], changed, image)
    return changed.clamp(0.0, 255.0).round()


def rotated_image(image: Tensor, intrinsics: Tensor, R: Tensor) -> Tensor:
    """Images (B, 1, H, W) of cameras rotated by R_camera_rotated (B, 3, 3), with the border's
    brightness beyond the border; ``intrinsics`` (B, 4)."""
    T = _homogeneous(R).to(image)
    # The flow of a rotation does not depend on depth.
    return warp(image, torch.ones_like(image), intrinsics, intrinsics, T)[0]


def _homogeneous(R: Tensor) -> Tensor:
    T = torch.eye(4, dtype=R.dtype).repeat(len(R), 1, 1)
    T[:, :3, :3] = R
    return T
