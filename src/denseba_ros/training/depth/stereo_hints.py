"""Depth hints: semi-global matching with random settings, the best depth for every pixel.

Watson et al., "Self-supervised monocular depth hints", ICCV 2019: no single setting of the matcher
suits every scene, so several are run and each pixel keeps the depth of least reprojection error.
Matching: Hirschmueller, "Stereo processing by semi-global matching", PAMI 30(2), 2008 (OpenCV).
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from denseba_ros.training.common.photometric_losses import photometric_error, warp

Grey = NDArray[np.uint8]
Depth = NDArray[np.float32]

# Part of the cache's keys; to be increased when the hints of the same images change.
_VERSION = 1
_DISPARITIES = (64, 96, 128, 160)
_BLOCKS = (1, 2, 3, 5, 7)


@dataclass(frozen=True)
class StereoPair:
    """Rectified images of one size, (H, W) uint8, with ``fx, fy, cx, cy`` and the baseline (m)."""

    left: Grey
    right: Grey
    intrinsics: tuple[float, float, float, float]
    baseline: float


def fused_hint(pair: StereoPair, draws: int, seed: int) -> Depth:
    """Depth (H, W) float32 of the left image, metres, by ``draws`` random settings; 0 where none
    of them has a match."""
    rng = np.random.default_rng(seed)
    best = np.full(pair.left.shape, np.inf, np.float32)
    depth = np.zeros(pair.left.shape, np.float32)
    for _ in range(draws):
        candidate = _matched(pair, rng)
        error = reprojection_error(pair, candidate)
        better = error < best
        best[better], depth[better] = error[better], candidate[better]
    return depth


def reprojection_error(pair: StereoPair, depth: Depth) -> Depth:
    """Photometric error (H, W) of the right image warped by ``depth`` (H, W) metres, infinite where
    that is 0 or projects outside."""
    left, right, d = (
        torch.from_numpy(np.asarray(a, np.float32))[None, None]
        for a in (pair.left, pair.right, depth)
    )
    K = torch.tensor([pair.intrinsics])
    T = torch.eye(4)[None]
    T[0, 0, 3] = -pair.baseline
    warped, inside, _ = warp(right, d.clamp(min=1e-3), K, K, T)
    error = photometric_error(left, warped).masked_fill(~inside | (d <= 0), float("inf"))
    result: Depth = error[0, 0].numpy()
    return result


def _matched(pair: StereoPair, rng: np.random.Generator) -> Depth:
    """Depth by one random setting of the matcher, 0 = none."""
    block, disparities = int(rng.choice(_BLOCKS)), int(rng.choice(_DISPARITIES))
    smoothness = float(np.exp(rng.uniform(np.log(4.0), np.log(32.0)))) * block * block
    matcher = cv2.StereoSGBM.create(
        minDisparity=1,
        numDisparities=disparities,
        blockSize=block,
        P1=round(smoothness),
        P2=round(smoothness * rng.uniform(2.0, 6.0)),
        disp12MaxDiff=1,
        preFilterCap=int(rng.integers(15, 64)),
        uniquenessRatio=int(rng.integers(0, 15)),
        speckleWindowSize=int(rng.choice((0, 50, 100))),
        speckleRange=2,
        mode=cv2.STEREO_SGBM_MODE_SGBM_3WAY,
    )
    # The matcher needs further columns beyond the left border to compute disparities there.
    left, right = (
        cv2.copyMakeBorder(a, 0, 0, disparities + 1, 0, cv2.BORDER_REPLICATE)
        for a in (pair.left, pair.right)
    )
    disparity = matcher.compute(left, right)[:, disparities + 1 :].astype(np.float32) / 16.0
    depth = np.zeros_like(disparity)
    matched = disparity > 0.5
    depth[matched] = pair.intrinsics[0] * pair.baseline / disparity[matched]
    return depth


class HintCache:
    """Hints on disk, with a hash of the images, the camera and the settings as key; ``made``
    counts those that were computed."""

    def __init__(self, folder: Path, draws: int = 12, seed: int = 0) -> None:
        """``draws`` random settings of the matcher per pair, from ``seed``."""
        self._folder, self._draws, self._seed = folder, draws, seed
        self.made = 0

    def hint(self, pair: StereoPair) -> Depth:
        """``fused_hint`` of the pair, read from the cache if it was computed before."""
        path = self._folder / f"{self._key(pair)}.npz"
        if path.is_file():
            with np.load(path) as file:
                return np.asarray(file["depth"], np.float32)
        depth = fused_hint(pair, self._draws, self._seed)
        self.made += 1
        self._folder.mkdir(parents=True, exist_ok=True)
        # Written to another name and renamed, so that an interruption leaves no partial file.
        partial = path.with_suffix(f".{os.getpid()}.npz")
        np.savez_compressed(partial, depth=depth)
        partial.replace(path)
        return depth

    def _key(self, pair: StereoPair) -> str:
        settings = (_VERSION, self._draws, self._seed, pair.intrinsics, pair.baseline)
        digest = hashlib.sha256(repr((settings, pair.left.shape)).encode())
        digest.update(pair.left.tobytes())
        digest.update(pair.right.tobytes())
        return digest.hexdigest()[:32]
