"""Errors of a depth model by region: by true depth and by image column."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from denseba_ros.evaluation.depth.depth_metrics import depth_errors

# Bounds of true depth as multiples of the image's median, and of columns as ratios of the width.
_DEPTHS = (0.0, 0.5, 0.75, 1.0, 1.5, 2.5, np.inf)
_COLUMNS = (0.0, 0.05, 0.2, 0.8, 0.95, 1.0)

Values = NDArray[np.float64]
Row = dict[str, float | None]


class LocatedDepth(NamedTuple):
    """Pixels (N,) of one image: ``depth`` at the true scale and ``truth``, metres; ``column`` as a
    ratio of the width."""

    depth: Values
    truth: Values
    column: Values


def errors_by_region(images: Sequence[LocatedDepth]) -> dict[str, list[Row]]:
    """Errors ``by_depth`` (over the image's median) and ``by_column``, over the pixels of all
    images together: the bounds ``first`` and ``last`` (None for infinity, which JSON lacks), the
    ``share`` of all pixels, ``abs_rel`` and ``delta1``. Regions without a pixel are left out."""
    depth, truth, column = (np.concatenate(values) for values in zip(*images, strict=True))
    relative = np.concatenate([i.truth / np.median(i.truth) for i in images])
    return {
        "by_depth": _split(depth, truth, relative, _DEPTHS),
        "by_column": _split(depth, truth, column, _COLUMNS),
    }


def _split(depth: Values, truth: Values, by: Values, bounds: Sequence[float]) -> list[Row]:
    rows: list[Row] = []
    for first, last in itertools.pairwise(bounds):
        inside = (by >= first) & (by < last)
        if inside.any():
            errors = depth_errors(depth[inside], truth[inside])
            rows.append(
                {
                    "first": first,
                    "last": last if np.isfinite(last) else None,
                    "share": float(inside.mean()),
                    "abs_rel": errors.abs_rel,
                    "delta1": errors.delta1,
                }
            )
    return rows
