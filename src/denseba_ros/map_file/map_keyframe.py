"""A keyframe of the map: what is kept of one that left the window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LocalFeatures:
    """``places`` (M, 2) float32 pixels of level 0, best first, and ``descriptors`` (M, 64) float16
    of length one."""

    places: NDArray[np.float32]
    descriptors: NDArray[np.float16]


@dataclass(frozen=True)
class MapKeyframe:
    """All that is needed to recognise a place, to align an image with it and to draw it; nothing
    of it changes when the map is corrected: the pose stands in the graph.

    Attributes:
        id: number in the map, rising; ``session``: number of the run that made it, from 0.
        stamp_ns: stamp of the image.
        image: (H, W) uint8 rectified grey, level 0.
        affine: (2,) float64 brightness (log gain, offset in grey levels).
        pixels: (N, 2) float32 pixels of its points, the first ``corners`` of them corners.
        inverse_depth, relative_sigma: (N,) float32, 1 over the map's unit, and the deviation of
            the inverse depth over itself.
        inverse_depth_map: (2, h, w) float32 dense inverse depth and relative deviation, a quarter
            of the image's size.
        features: of the image, for matches; None where they were not extracted.
        descriptor: (D,) float32 of length one, of the whole image; None likewise.
    """

    id: int
    session: int
    stamp_ns: int
    image: NDArray[np.uint8]
    affine: NDArray[np.float64]
    pixels: NDArray[np.float32]
    inverse_depth: NDArray[np.float32]
    relative_sigma: NDArray[np.float32]
    corners: int
    inverse_depth_map: NDArray[np.float32]
    features: LocalFeatures | None = None
    descriptor: NDArray[np.float32] | None = None
