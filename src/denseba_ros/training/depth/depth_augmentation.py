"""Augmentation of the depth training: zoom, crop, roll, mirror, blur, erasing, exposure.

Step ``n`` of a training depends on the seed and ``n`` alone, so that a training can stop and resume
anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import torch
from torch import Tensor

from denseba_ros.training.depth.depth_batch import DepthBatch, stack_batch
from denseba_ros.training.depth.depth_samples import DepthSample, Matrix, SampleSet

# Ratio of the samples with the whole view; largest zoom and roll in degrees of the others.
_WIDE, _ZOOM, _ROLL = 0.4, 1.7, 6.0
# Ratio of the samples that are blurred, and of those with one or two erased rectangles.
_BLURRED, _ERASED = 0.2, 0.5
_GAIN, _OFFSET, _GAMMA, _NOISE = 0.3, 25.0, 0.35, 4.0


def draw_batch(sets: Sequence[SampleSet], size: int, seed: int, step: int) -> DepthBatch:
    """The augmented batch of ``size`` samples of a step, all of one source, drawn by weight.

    Each source uses all its samples in a random order before it repeats one.
    """
    rng = np.random.default_rng((seed, step))
    weights = np.array([s.weight for s in sets])
    chosen = int(rng.choice(len(sets), p=weights / weights.sum()))
    samples = sets[chosen].samples
    first = step * size
    picked = []
    for k in range(first, first + size):
        epoch, position = divmod(k, len(samples))
        order = np.random.default_rng((seed, 1, chosen, epoch)).permutation(len(samples))
        picked.append(samples[order[position]])
    parts = [augmented(sample, sets[chosen].size, rng) for sample in picked]
    return stack_batch(parts)


def whole_view(sample: DepthSample, size: tuple[int, int]) -> DepthBatch:
    """The sample without augmentation, a batch of one; ``size`` (width, height)."""
    return _view(sample, size, 1.0, 0.0, (0.5, 0.5), mirrored=False)


def augmented(sample: DepthSample, size: tuple[int, int], rng: np.random.Generator) -> DepthBatch:
    """The sample with random augmentation, a batch of one; ``size`` (width, height)."""
    wide = rng.random() < _WIDE
    zoom = 1.0 if wide else float(rng.uniform(1.0, _ZOOM))
    roll = 0.0 if wide else float(np.radians(rng.uniform(-_ROLL, _ROLL)))
    centre = (float(rng.random()), float(rng.random()))
    batch = _view(sample, size, zoom, roll, centre, mirrored=bool(rng.random() < 0.5))
    image = _erased(_blurred(batch.network_image, rng), rng)
    return replace(batch, network_image=_other_exposure(image, rng))


def _view(
    sample: DepthSample,
    size: tuple[int, int],
    zoom: float,
    roll: float,
    crop: tuple[float, float],
    mirrored: bool,
) -> DepthBatch:
    """The sample for a camera of another focal length, rolled about its optical axis; ``crop``
    (x, y), 0 to 1, is the position of the crop."""
    w, h = size
    camera = sample.camera
    sx, sy = zoom * w / camera.width, zoom * h / camera.height
    fx, fy = camera.fx * sx, camera.fy * sy
    # Principal point in the new image: any for which the crop without roll is inside the image.
    cx = (camera.cx + 0.5) * sx - 0.5 - crop[0] * (zoom - 1.0) * w
    cy = (camera.cy + 0.5) * sy - 0.5 - crop[1] * (zoom - 1.0) * h
    c, s = np.cos(roll), np.sin(roll)
    rotation = np.array([[c, -s], [s, c]])
    # Affine map of the pixels from the new image to the stored one.
    new_to_rays = np.diag([1 / fx, 1 / fy])
    linear = np.diag([camera.fx, camera.fy]) @ rotation.T @ new_to_rays
    shift = np.array([camera.cx, camera.cy]) - linear @ np.array([cx, cy])
    inverse = np.column_stack([linear, shift])
    image = _warped(sample.image, inverse, size, cv2.INTER_LINEAR, cv2.BORDER_REFLECT_101)
    depth = _warped(sample.depth, inverse, size, cv2.INTER_NEAREST, cv2.BORDER_CONSTANT)
    T_new_image = np.eye(4)
    T_new_image[:2, :2] = rotation
    if mirrored:
        image, depth, cx = image[:, ::-1], depth[:, ::-1], w - 1 - cx
    views = [_as_tensors(v.image, v.camera.matrix, v.T_view_image, T_new_image, mirrored)
             for v in sample.views]  # fmt: skip
    grey = _tensor(image)[None, None]
    return DepthBatch(
        image=grey,
        network_image=grey,
        intrinsics=torch.tensor([[fx, fy, cx, cy]], dtype=torch.float32),
        depth=_tensor(depth)[None, None],
        measured=sample.measured,
        views=torch.stack([v[0] for v in views])[None] if views else torch.zeros(1, 0, 1, 1, 1),
        view_intrinsics=torch.stack([v[1] for v in views])[None] if views else torch.zeros(1, 0, 4),
        T_view_image=torch.stack([v[2] for v in views])[None] if views else torch.zeros(1, 0, 4, 4),
    )


def _as_tensors(
    image: np.ndarray, K: Matrix, T_view_image: Matrix, T_new_image: Matrix, mirrored: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Image (1, H, W), intrinsics (4,) and T_view_new (4, 4) of another view."""
    T = T_view_image @ T_new_image.T
    cx = K[0, 2]
    if mirrored:
        flip = np.diag([-1.0, 1.0, 1.0, 1.0])
        image, cx, T = image[:, ::-1], image.shape[1] - 1 - cx, flip @ T @ flip
    intrinsics = torch.tensor([K[0, 0], K[1, 1], cx, K[1, 2]], dtype=torch.float32)
    return _tensor(image)[None], intrinsics, torch.from_numpy(T).float()


def _warped(
    image: np.ndarray, inverse: Matrix, size: tuple[int, int], interpolation: int, border: int
) -> np.ndarray:
    flags = interpolation | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, inverse, size, flags=flags, borderMode=border)


def _tensor(image: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image, np.float32))


def _blurred(image: Tensor, rng: np.random.Generator) -> Tensor:
    """The image, sometimes with Gaussian blur."""
    if rng.random() >= _BLURRED:
        return image
    blurred = cv2.GaussianBlur(image[0, 0].numpy(), (0, 0), float(rng.uniform(0.5, 1.5)))
    return _tensor(blurred)[None, None]


def _erased(image: Tensor, rng: np.random.Generator) -> Tensor:
    """The image, sometimes with one or two rectangles of uniform grey
    (Zhong et al., "Random erasing data augmentation", AAAI 2020)."""
    if rng.random() >= _ERASED:
        return image
    h, w = image.shape[-2:]
    erased = image.clone()
    for _ in range(int(rng.integers(1, 3))):
        height, width = (int(rng.integers(side // 8, side // 3)) for side in (h, w))
        top, left = int(rng.integers(0, h - height)), int(rng.integers(0, w - width))
        erased[..., top : top + height, left : left + width] = float(rng.uniform(0.0, 255.0))
    return erased


def _other_exposure(image: Tensor, rng: np.random.Generator) -> Tensor:
    """The image with another gain, offset, gamma and noise."""
    gain, gamma = np.exp(rng.uniform(-_GAIN, _GAIN)), np.exp(rng.uniform(-_GAMMA, _GAMMA))
    changed: Tensor = gain * 255.0 * (image / 255.0) ** float(gamma) + rng.uniform(
        -_OFFSET, _OFFSET
    )
    noise = rng.standard_normal(tuple(image.shape), dtype=np.float32) * rng.uniform(0.0, _NOISE)
    noisy: Tensor = changed.float() + torch.from_numpy(np.asarray(noise, np.float32))
    return noisy.clamp(0.0, 255.0)
