"""Where a depth model errs: near or far, in the middle of the image or at its sides."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from denseba_ros.evaluation.depth_metrics import depth_errors

# Bounds of true depth as multiples of the image's median, and of columns as shares of the width.
_DEPTHS = (0.0, 0.5, 0.75, 1.0, 1.5, 2.5, np.inf)
_COLUMNS = (0.0, 0.05, 0.2, 0.8, 0.95, 1.0)

Values = NDArray[np.float64]


class Placed(NamedTuple):
    """Pixels (N,) of one image: ``depth`` at the true scale and ``truth``, metres; ``column``, the
    share of the width to their left."""

    depth: Values
    truth: Values
    column: Values


class Region(NamedTuple):
    """Pixels between ``first`` and ``last`` of something: their ``share`` of all, and errors."""

    first: float
    last: float
    share: float
    abs_rel: float
    delta1: float


def regions(images: Sequence[Placed]) -> dict[str, list[dict[str, float | None]]]:
    """Errors ``by_depth`` (over the image's median) and ``by_column``, over all pixels of all
    images alike. A region without a pixel is left out."""
    depth, truth, column = (np.concatenate(values) for values in zip(*images, strict=True))
    relative = np.concatenate([i.truth / np.median(i.truth) for i in images])
    return {
        "by_depth": [_row(r) for r in _split(depth, truth, relative, _DEPTHS)],
        "by_column": [_row(r) for r in _split(depth, truth, column, _COLUMNS)],
    }


def _split(depth: Values, truth: Values, by: Values, bounds: Sequence[float]) -> list[Region]:
    rows = []
    for first, last in itertools.pairwise(bounds):
        inside = (by >= first) & (by < last)
        if inside.any():
            errors = depth_errors(depth[inside], truth[inside])
            share = float(inside.mean())
            rows.append(Region(first, last, share, errors.abs_rel, errors.delta1))
    return rows


def _row(region: Region) -> dict[str, float | None]:
    """For JSON, which knows no infinity."""
    bounded = region.last if np.isfinite(region.last) else None
    return {**region._asdict(), "last": bounded}
