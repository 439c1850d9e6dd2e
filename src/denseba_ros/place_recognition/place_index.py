"""Search for places: descriptors of all keyframes in one matrix, compared with one of an image.

A score says little by itself: images of a bare room are all rather alike. So it is divided by the
score of the image with its own neighbours, which is about what the same place would have
(Galvez-Lopez, Tardos, "Bags of binary words for fast place recognition in image sequences",
T-RO 28(5), 2012, equation 2).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from denseba_ros.place_recognition.vlad import Floats

_FIRST_ROWS = 256
# What neighbours have in slow motion. Scores of unrelated images do not fall with those of the
# neighbours, so in fast motion the bar stays where it is.
_LEAST_REFERENCE = 0.7


@dataclass(frozen=True)
class Candidate:
    """A keyframe that may show the same place: scalar product ``score`` of both descriptors, and
    ``relative``, the same over what the image's own neighbours have."""

    id: int
    score: float
    relative: float


class PlaceIndex:
    """Keyframes' descriptors by number. One thread adds and removes; another may search meanwhile
    while nothing is removed.

    4 D bytes a keyframe: 2 kB for 512.
    """

    def __init__(self, size: int) -> None:
        """``size`` of a descriptor."""
        self._rows = np.empty((_FIRST_ROWS, size), np.float32)
        self._ids = np.empty(_FIRST_ROWS, np.int64)
        self._row_of: dict[int, int] = {}

    @property
    def size(self) -> int:
        """Length of a descriptor."""
        return self._rows.shape[1]

    def __len__(self) -> int:
        return len(self._row_of)

    def __contains__(self, id: int) -> bool:
        return id in self._row_of

    def add(self, id: int, descriptor: Floats) -> None:
        """Add keyframe ``id`` with ``descriptor`` (D,) of length one, or replace its descriptor.

        Raises:
            ValueError: when the descriptor has another length or is not finite.
        """
        self._check(descriptor)
        row = self._row_of.get(id, len(self._row_of))
        if row == len(self._ids):
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
            self._ids = np.concatenate([self._ids, np.empty_like(self._ids)])
        self._rows[row], self._ids[row] = descriptor, id
        # Last: a search in another thread sees the row when it is whole.
        self._row_of[id] = row

    def remove(self, id: int) -> None:
        """Take keyframe ``id`` out. Raises KeyError when it is not in the index."""
        row, last = self._row_of.pop(id), len(self._row_of)
        if row != last:
            # The last one moves into the gap.
            self._rows[row], self._ids[row] = self._rows[last], self._ids[last]
            self._row_of[int(self._ids[row])] = row

    def search(
        self,
        descriptor: Floats,
        neighbours: Collection[int],
        excluded: Collection[int] | Callable[[int], bool] = (),
        count: int = 5,
    ) -> list[Candidate]:
        """The ``count`` keyframes that are most like ``descriptor`` (D,), best first.

        ``neighbours`` see the same scene as the image, such as the keyframes of its window; they
        give the reference of the scores (at least 0.7) and are no candidates, nor are those that
        ``excluded`` names or says True of. Without neighbours the reference is 1.

        Raises:
            ValueError: when the descriptor has another length or is not finite.
        """
        self._check(descriptor)
        used = len(self)
        scores = self._rows[:used] @ descriptor
        near = [row for id in neighbours if (row := self._row_of.get(id, used)) < used]
        reference = max([_LEAST_REFERENCE, *scores[near].tolist()]) if near else 1.0
        scores[near] = -np.inf
        chosen = self._best(scores, excluded, count)
        return [
            Candidate(int(self._ids[row]), float(scores[row]), float(scores[row]) / reference)
            for row in chosen
        ]

    def _best(
        self, scores: Floats, excluded: Collection[int] | Callable[[int], bool], count: int
    ) -> list[int]:
        """Rows of the best ``scores`` that are not ``excluded``; equal ones in the order of the
        keyframes' numbers. Overwrites the scores of those that are named."""
        if not callable(excluded):
            rows = [self._row_of.get(id, len(scores)) for id in excluded]
            scores[[row for row in rows if row < len(scores)]] = -np.inf
        order = np.lexsort((self._ids[: len(scores)], -scores))
        chosen: list[int] = []
        for row in order.tolist():
            if len(chosen) == count or scores[row] == -np.inf:
                break
            if not (callable(excluded) and excluded(int(self._ids[row]))):
                chosen.append(row)
        return chosen

    def _check(self, descriptor: Floats) -> None:
        if descriptor.shape != self._rows.shape[1:]:
            raise ValueError(f"a descriptor {descriptor.shape}, not {self._rows.shape[1:]}")
        if not np.all(np.isfinite(descriptor)):
            raise ValueError("a descriptor that is not finite")
