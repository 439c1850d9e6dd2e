"""One vector for a whole image from its local descriptors: VLAD, reduced by PCA.

Jegou, Douze, Schmid, Perez, "Aggregating local descriptors into a compact image representation",
CVPR 2010, each centre's sum normalised on its own (Arandjelovic, Zisserman, "All about VLAD", CVPR
2013), and partly whitened as a whole (Jegou, Chum, "Negative evidences and co-occurrences in image
retrieval", ECCV 2012).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Vlad:
    """``centres`` (K, C) of length one, ``mean`` (K C,) and ``projection`` (K C, D), all float32.

    Descriptors of two unrelated images have a scalar product near 0, of the same view near 1;
    ``threshold`` is the score from which on an image may show the same place (``PlaceIndex``).
    """

    centres: Floats
    mean: Floats
    projection: Floats
    threshold: float

    @property
    def size(self) -> int:
        """Length D of a descriptor."""
        return int(self.projection.shape[1])

    def describe(self, descriptors: NDArray[np.floating]) -> Floats:
        """(D,) float32 of length one from local descriptors (M, C) of length one; all zero, which
        is like nothing, when there are none."""
        if len(descriptors) == 0:
            return np.zeros(self.size, np.float32)
        return unit((residuals(descriptors, self.centres) - self.mean) @ self.projection)


def residuals(descriptors: NDArray[np.floating], centres: Floats) -> Floats:
    """(K C,) float32 of length one: for each of the ``centres`` (K, C) the sum of how its
    ``descriptors`` (of (M, C)) differ from it, of length one, or zero where it has none."""
    local = descriptors.astype(np.float32)
    nearest = np.argmax(local @ centres.T, axis=1)
    belongs = (np.arange(len(centres))[:, None] == nearest).astype(np.float32)
    sums = belongs @ local - belongs.sum(axis=1, keepdims=True) * centres
    return unit(unit(sums).ravel())


def unit(vectors: NDArray[np.floating]) -> Floats:
    """``vectors`` (..., D) divided by their lengths, as float32; zeros stay."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Floats = (vectors / np.maximum(lengths, 1e-9)).astype(np.float32)
    return scaled
