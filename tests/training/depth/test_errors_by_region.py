import json

import numpy as np
import pytest

from denseba_ros.training.depth.errors_by_region import LocatedDepth, errors_by_region


def test_errors_are_reported_by_region() -> None:
    column = (np.arange(1000) + 0.5) / 1000
    truth = np.full(1000, 10.0)
    truth[::4] = 40.0
    depth = truth.copy()
    depth[column < 0.05] *= 2.0
    depth[truth == 40.0] *= 1.1
    report = errors_by_region([LocatedDepth(depth, truth, column)] * 2)
    left, *others = report["by_column"]
    assert (left["first"], left["last"], left["share"]) == (0.0, 0.05, pytest.approx(0.05))
    assert left["abs_rel"] == pytest.approx(0.75 * 1.0 + 0.25 * 1.2, abs=0.02)
    assert left["delta1"] == 0.0
    assert all(
        o["delta1"] == 1.0 and o["abs_rel"] == pytest.approx(0.025, abs=0.003) for o in others
    )
    # A quarter of the pixels is four times as far as the median; nothing lies between.
    assert [(r["first"], r["share"]) for r in report["by_depth"]] == [(1.0, 0.75), (2.5, 0.25)]
    assert report["by_depth"][-1]["last"] is None
    json.dumps(report, allow_nan=False)


def test_depth_is_relative_to_the_median_of_its_image() -> None:
    column = np.full(9, 0.5)
    near = LocatedDepth(np.full(9, 1.0), np.full(9, 1.0), column)
    far = LocatedDepth(np.full(9, 60.0), np.full(9, 50.0), column)
    (only,) = errors_by_region([near, far])["by_depth"]
    assert only["share"] == 1.0
    assert only["abs_rel"] == pytest.approx(0.1)
