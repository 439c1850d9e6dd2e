"""Recall and precision of one method on one sequence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from places.place_methods import Method
from places.place_sequence import PlaceSequence

# Images before the present one that are its neighbours, as keyframes of the window are.
_NEIGHBOURS = 4


@dataclass(frozen=True)
class Revisits:
    """``gap`` seconds apart, within ``radius`` metres and ``degrees``."""

    gap: float
    radius: float
    degrees: float


@dataclass(frozen=True)
class PlaceScores:
    """One row an image that has older ones beyond the gap: whether it comes back to a ``visited``
    place, ``rank`` of the first candidate within the radius (from 0), the ``relative`` score of the
    best candidate, and whether that is ``right``: it shares the view."""

    visited: np.ndarray
    rank: np.ndarray
    relative: np.ndarray
    right: np.ndarray

    def recall(self, count: int) -> float:
        """Share of the revisits with one of the first ``count`` candidates within the radius."""
        return _mean(self.rank[self.visited] < count)

    def found_above(self, threshold: float) -> float:
        """Share of the revisits whose best candidate is right and not below the threshold."""
        found = self.right & (self.relative >= threshold)
        return _mean(found[self.visited])

    def wrong_above(self, threshold: float) -> int:
        """Images whose best candidate is not below the threshold and wrong."""
        return int(np.sum(~self.right & (self.relative >= threshold)))

    def least_without_error(self) -> float:
        """Score from which on no best candidate is wrong."""
        wrong = self.relative[~self.right]
        return float(np.nextafter(wrong.max(), np.inf)) if len(wrong) else 0.0

    def curve(self) -> tuple[np.ndarray, np.ndarray]:
        """Recall and precision (M,) at falling thresholds."""
        order = np.argsort(-self.relative)
        right, visited = self.right[order], self.visited[order]
        precision = np.cumsum(right) / np.arange(1, len(order) + 1)
        return np.cumsum(right & visited) / max(1, visited.sum()), precision


def _mean(found: np.ndarray) -> float:
    return float(np.mean(found)) if len(found) else float("nan")


def score_places(sequence: PlaceSequence, method: Method, revisits: Revisits) -> PlaceScores:
    """Look for every image among those before it."""
    vectors = method.describe(sequence)
    scores = method.similarity(vectors, vectors)
    old = sequence.seconds[:, None] - sequence.seconds[None] > revisits.gap
    true = sequence.close(revisits.radius, revisits.degrees) & old
    rows = []
    for k in np.flatnonzero(old.any(axis=1)):
        order = np.flatnonzero(old[k])[np.argsort(-scores[k, old[k]], kind="stable")]
        rank = int(np.argmax(true[k, order])) if true[k].any() else len(order)
        best = int(order[0])
        right = bool(true[k, best]) or sequence.share_a_view(best, int(k))
        relative = scores[k, best] / reference(scores, int(k), method.least)
        rows.append((true[k].any(), rank, relative, right))
    columns = [np.array(c) for c in zip(*rows, strict=True)] if rows else [np.empty(0)] * 4
    visited, rank, relative, right = columns
    return PlaceScores(visited.astype(bool), rank, relative, right.astype(bool))


def reference(scores: np.ndarray, k: int, least: float) -> float:
    """Best score of image ``k`` with those just before it."""
    return max([least, *scores[k, max(0, k - _NEIGHBOURS) : k].tolist()])


def stranger_scores(
    sequence: PlaceSequence, others: list[PlaceSequence], method: Method
) -> np.ndarray:
    """(N - 1,) best relative score of each image but the first, which has no neighbours, among the
    images of other sequences."""
    vectors = method.describe(sequence)
    own = method.similarity(vectors, vectors)
    foreign = method.similarity(vectors, np.concatenate([method.describe(o) for o in others]))
    references = [reference(own, k, method.least) for k in range(1, len(sequence))]
    relative: np.ndarray = foreign[1:].max(axis=1) / np.array(references)
    return relative
