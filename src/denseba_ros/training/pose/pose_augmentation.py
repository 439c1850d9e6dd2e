"""Images of a stream as a camera that also trembles, with another exposure, would have taken them.

A turned camera sees the same image through a homography, so every turn makes a pair of known
motion out of one that is there. What an image is turned by depends on the seed, its place in the
stream and its lane alone: the next pair, which begins with the same image, sees it turned alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from denseba_ros.training.common.photometric_losses import brightness_adapted, warp


@dataclass(frozen=True)
class PoseVariation:
    """Deviations: ``turn`` of each rotation angle (radians), ``gain`` (of its log), ``offset`` and
    ``noise`` of brightness (grey levels). All zero: images as they are. Every second lane varies.
    """

    turn: float = 0.0
    gain: float = 0.0
    offset: float = 0.0
    noise: float = 0.0

    @property
    def any(self) -> bool:
        """Whether anything changes."""
        return max(self.turn, self.gain, self.offset, self.noise) > 0.0


@dataclass(frozen=True)
class _Draw:
    """What the images of one step are changed by: ``R`` (B, 3, 3) R_camera_turned, ``affine``
    (B, 2) as in ``brightness_adapted``, and the seed of their noise."""

    R: Tensor
    affine: Tensor
    noise: int


def varied(
    variation: PoseVariation, images: Tensor, intrinsics: Tensor, T: Tensor, seed: int, begin: int
) -> tuple[Tensor, Tensor]:
    """Images (B, L + 1, 1, H, W) and motions T_previous_current (B, L, 4, 4) of the L steps from
    ``begin`` on, changed; ``intrinsics`` (B, L, 4). The first image is that of the step before."""
    lanes, length = T.shape[:2]
    draws = [_draw(variation, lanes, seed, begin - 1 + k) for k in range(length + 1)]
    shown = [
        _seen(variation, images[:, k], intrinsics[:, max(k - 1, 0)], draw)
        for k, draw in enumerate(draws)
    ]
    turns = torch.stack([_homogeneous(draw.R) for draw in draws], 1).to(T)
    return torch.stack(shown, 1), turns[:, :-1].mT @ T @ turns[:, 1:]


def _draw(variation: PoseVariation, lanes: int, seed: int, step: int) -> _Draw:
    rng = np.random.default_rng((seed, 7, step + 1))
    vary = (np.arange(lanes) % 2 == 1)[:, None]
    vectors = variation.turn * rng.normal(size=(lanes, 3)) * vary
    brightness = rng.normal(size=(lanes, 2)) * [variation.gain, variation.offset] * vary
    R = torch.from_numpy(Rotation.from_rotvec(vectors).as_matrix())
    return _Draw(R, torch.from_numpy(brightness).float(), int(rng.integers(1 << 31)))


def _seen(variation: PoseVariation, image: Tensor, intrinsics: Tensor, draw: _Draw) -> Tensor:
    """Images (B, 1, H, W) of one step, in whole grey levels, as the network will see images."""
    turned = turned_image(image, intrinsics, draw.R.to(image))
    generator = torch.Generator().manual_seed(draw.noise)
    noise = variation.noise * torch.randn(image.shape, generator=generator).to(image)
    changed = brightness_adapted(turned, draw.affine.to(image)) + noise
    vary = torch.arange(len(image), device=image.device) % 2 == 1
    changed = torch.where(vary[:, None, None, None], changed, image)
    return changed.clamp(0.0, 255.0).round()


def turned_image(image: Tensor, intrinsics: Tensor, R: Tensor) -> Tensor:
    """Images (B, 1, H, W) as seen by cameras turned by R_camera_turned (B, 3, 3); what lies beyond
    the border is the border's brightness. ``intrinsics`` (B, 4)."""
    T = _homogeneous(R).to(image)
    # Turning moves near and far alike.
    return warp(image, torch.ones_like(image), intrinsics, intrinsics, T)[0]


def _homogeneous(R: Tensor) -> Tensor:
    T = torch.eye(4, dtype=R.dtype).repeat(len(R), 1, 1)
    T[:, :3, :3] = R
    return T
