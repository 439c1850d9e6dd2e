"""The tracker's terms on the CPU: tensors passed to the compiled loops without copying."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from denseba_ros.backend.problem import Noise
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.slam.tracking import alignment_loops, alignment_quality_loops
from denseba_ros.slam.tracking.alignment_terms_torch import (
    Doubles,
    Photometric,
    Reprojection,
    Zncc,
)
from denseba_ros.slam.tracking.reference import CurrentView, Reference


class FusedTerms:
    """``TorchTerms`` by compiled loops; float32 tensors on the CPU."""

    def __init__(self, reference: Reference, view: CurrentView, noise: Noise) -> None:
        """``view`` of the image to align with ``reference``."""
        self._reference = reference
        self._view = view
        self._intensity = np.array([noise.intensity, noise.huber, noise.cutoff])
        self._pixel = np.array([noise.pixel, noise.huber, noise.pixel_cutoff])
        self._offsets = reference.affine.tolist()
        self._rays = _array(reference.rays)
        self._depth = _array(reference.inverse_depth)
        self._sigma = _array(reference.relative_sigma)
        self._valid = _array(reference.valid)
        self._pixels = _array(view.corners.pixels)
        self._is_tracked = _array(view.corners.ok)

    def photometric(self, T: Doubles, affine: Doubles, level: int) -> Photometric:
        """Photometric residuals on a pyramid level, as in ``Terms``."""
        host = self._reference.levels[level]
        log_gain, offset = self._offsets
        change = np.array([math.exp(affine[0] - log_gain), offset, affine[1]])
        H, b = np.zeros((8, 8)), np.zeros(8)
        energy, usable, visible, inliers = alignment_loops.photometric(
            _array(self._view.pyramid[level][0]),
            self._rays,
            self._depth,
            self._sigma,
            _array(host.brightness),
            _array(host.gradient_weight),
            _array(host.usable),
            _intrinsics(host.camera),
            T,
            change,
            self._intensity,
            H,
            b,
        )
        return Photometric(H, b, energy, visible / max(usable, 1), inliers / max(visible, 1))

    def corners(self, T: Doubles, level: int) -> Reprojection:
        """Reprojection residuals, weighted for a pyramid level, as in ``Terms``."""
        H, b = np.zeros((6, 6)), np.zeros(6)
        energy, corner_inliers = alignment_loops.corners(
            self._pixels,
            self._is_tracked,
            self._rays,
            self._depth,
            self._sigma,
            self._valid,
            _intrinsics(self._reference.camera),
            T,
            self._pixel,
            1.0 / (1 << (2 * max(level - 1, 0))),
            H,
            b,
        )
        return Reprojection(H, b, energy, corner_inliers)

    def zncc(self, T: Doubles, level: int) -> Zncc:
        """Mean flow and similarity on a pyramid level, as in ``Terms``."""
        host = self._reference.levels[level]
        flow = alignment_quality_loops.flow(
            _array(self._reference.pixels),
            self._rays,
            self._depth,
            self._valid,
            _intrinsics(self._reference.camera),
            T,
        )
        similarity = alignment_quality_loops.similarity(
            _array(self._view.pyramid[level][0]),
            self._rays,
            self._depth,
            _array(host.brightness),
            _array(host.usable),
            _intrinsics(host.camera),
            T,
        )
        return Zncc(flow, similarity)


def _array(tensor: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = np.ascontiguousarray(tensor.numpy())
    return array


def _intrinsics(camera: Pinhole) -> Doubles:
    return np.array([camera.fx, camera.fy, camera.cx, camera.cy])
