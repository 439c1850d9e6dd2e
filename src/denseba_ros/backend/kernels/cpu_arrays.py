"""What the loops of the CPU kernel read and write."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.float32]
_Bools = NDArray[np.bool_]


class Camera(NamedTuple):
    """Intrinsics as float32 numbers."""

    fx: np.float32
    fy: np.float32
    cx: np.float32
    cy: np.float32


class Scales(NamedTuple):
    """Float32 numbers: those of Noise; ``level`` pixels of the level per working pixel and
    ``grid`` cells of the inverse depth map per pixel of the level; thresholds of visibility."""

    intensity: np.float32
    huber: np.float32
    cutoff: np.float32
    pixel: np.float32
    pixel_cutoff: np.float32
    level: np.float32
    grid: np.float32
    border: np.float32
    hidden: np.float32
    known: np.float32
    min_z: np.float32


class PairInput(NamedTuple):
    """Arrays shaped as in Problem and PatchReference, float32 but for hosts (int64) and bools.

    ``images`` (K, 3, h, w) and ``camera`` are of the level, ``working`` is the working camera;
    ``T`` and ``T_first`` (G, K, 4, 4) T_target_host at the variables and for the Jacobians;
    ``pattern`` (P, 2) pixels of a patch; ``gain`` (G, K) and ``offset`` (K,) of the brightness
    model; ``chain`` (G, K, 8, 8) as in NormalEquations.
    """

    images: _Floats
    inverse_depth_map: _Floats
    hosts: NDArray[np.int64]
    pattern: _Floats
    pixels: _Floats
    depth: _Floats
    brightness: _Floats
    weight: _Floats
    usable: _Bools
    valid: _Bools
    observed: _Floats
    observed_ok: _Bools
    T: _Floats
    T_first: _Floats
    gain: _Floats
    offset: _Floats
    chain: _Floats
    camera: Camera
    working: Camera
    scales: Scales


class PairOutput(NamedTuple):
    """Sums, zero at first. Those over pairs are one a piece of points: ``H`` (pieces, K, 8, 8),
    ``b`` (pieces, K, 8) and ``energy`` (pieces,) float64; the others as in NormalEquations."""

    H: NDArray[np.float64]
    b: NDArray[np.float64]
    H_depth: _Floats
    b_depth: _Floats
    H_mixed: _Floats
    costs: _Floats
    energy: NDArray[np.float64]
