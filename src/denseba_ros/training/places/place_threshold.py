"""Scores between images that certainly do not show the same place."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from denseba_ros.place_recognition.place_index import PlaceIndex
from denseba_ros.place_recognition.vlad import Floats
from denseba_ros.training.places.place_images import PlaceImages

# Views of up to 90 degrees overlap in nothing near when they look this far apart.
_DISJOINT = math.radians(100.0)
_NEIGHBOURS = 4


def relative_scores_of_strangers(
    descriptors: Sequence[Floats], worlds: Sequence[PlaceImages], looked_for: int
) -> list[float]:
    """Largest relative score of each image of the world ``looked_for`` with any of another world,
    or of its own that looks in another direction; the images before it are its neighbours.

    ``descriptors`` (N, D) of each of the ``worlds``.
    """
    rows = np.concatenate(descriptors)
    index = PlaceIndex(rows.shape[1])
    for id, descriptor in enumerate(rows):
        index.add(id, descriptor)
    first = sum(len(world) for world in worlds[:looked_for])
    disjoint = worlds[looked_for].disjoint(_DISJOINT)
    best = []
    for k, descriptor in enumerate(descriptors[looked_for]):
        neighbours = range(first + max(0, k - _NEIGHBOURS), first + k)
        shared = (first + np.flatnonzero(~disjoint[k])).tolist()
        found = index.search(descriptor, neighbours, shared, 1)
        best += [candidate.relative for candidate in found]
    return best
