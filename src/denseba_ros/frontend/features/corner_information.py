"""How well flow knows a corner's pixel in each direction: a point on a line slides along it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from denseba_ros.frontend.features.patch_loops import AROUND
from denseba_ros.geometry.grey import PAD, Grey

# A corner whose weakest gradient has at least this share of the squared strongest one's is as well
# known in all directions. Below, the variance along the weak direction grows in inverse proportion:
# flow into images of exact depth erred by 3.1, 0.85, 0.33 and 0.14 pixels along it at ratios of
# 0.02, 0.06, 0.12 and 0.3, and by 0.31, 0.2, 0.11 and 0.07 across it.
_ROUND = 0.2
# Least information along the weak direction, so that it can be inverted.
_LEAST = 1e-3
# Least gradient (squared grey levels per squared pixel) that says anything about directions.
_NO_GRADIENT = 1e-6


def corner_information(
    grey: Grey, pixels: NDArray[np.float32] | NDArray[np.float64]
) -> NDArray[np.float32]:
    """Information of corners' pixels relative to that across their strongest gradient.

    From the second moments of the gradients in the window of the flow, changes of gain and offset
    projected out (Shi, Tomasi, "Good features to track", CVPR 1994; ``lucas_kanade``).

    Args:
        grey: their image.
        pixels: (M, 2), anywhere; those outside count as the nearest inside.

    Returns:
        (M, 3) float32, (xx, xy, yy) of symmetric matrices with eigenvalues 1 and 0.001 to 1.
    """
    height, width = grey.image.shape
    x, y = pixels.round().astype(np.int64).T
    x, y = x.clip(0, width - 1), y.clip(0, height - 1)
    first = PAD - AROUND // 2
    windows = np.lib.stride_tricks.sliding_window_view(grey.levels[0], (AROUND, AROUND))
    around = windows[y + first, x + first].astype(np.float64)
    patch = _centred(around[:, 1:-1, 1:-1])
    along_x = _centred(0.5 * (around[:, 1:-1, 2:] - around[:, 1:-1, :-2]))
    along_y = _centred(0.5 * (around[:, 2:, 1:-1] - around[:, :-2, 1:-1]))
    gradients = np.stack([along_x, along_y], 1)
    contrast = np.maximum((patch**2).sum(1), _NO_GRADIENT)
    share = (gradients * patch[:, None]).sum(2) / contrast[:, None]
    gradients -= share[:, :, None] * patch[:, None]
    value, vector = np.linalg.eigh(gradients @ gradients.transpose(0, 2, 1) / patch.shape[1])
    ratio = value[:, 0] / np.maximum(value[:, 1], _NO_GRADIENT)
    missing = 1.0 - np.clip(ratio / _ROUND, _LEAST, 1.0)
    weak_x, weak_y = vector[:, 0, 0], vector[:, 1, 0]
    information = [1 - missing * weak_x**2, -missing * weak_x * weak_y, 1 - missing * weak_y**2]
    return np.stack(information, 1).astype(np.float32)


def _centred(windows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Windows (M, s, s) flat and less their mean: (M, s^2)."""
    flat = windows.reshape(len(windows), windows.shape[1] * windows.shape[2])
    return np.asarray(flat - flat.mean(1, keepdims=True))
