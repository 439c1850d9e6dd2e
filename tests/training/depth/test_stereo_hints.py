from pathlib import Path

import numpy as np
import pytest

from denseba_ros.training.depth.stereo_hints import (
    HintCache,
    StereoPair,
    fused_hint,
    reprojection_error,
)

DISPARITY, FOCAL, BASELINE = 8, 100.0, 0.5
DEPTH = FOCAL * BASELINE / DISPARITY


@pytest.fixture(scope="module")
def pair() -> StereoPair:
    """A textured wall, whose right image is the left one shifted by eight pixels."""
    rng = np.random.default_rng(0)
    wide = np.kron(rng.integers(20, 235, (30, 60)), np.ones((4, 4))).astype(np.uint8)
    left, right = wide[:, :200], wide[:, DISPARITY : 200 + DISPARITY]
    intrinsics = (FOCAL, FOCAL, 99.5, 59.5)
    return StereoPair(np.ascontiguousarray(left), np.ascontiguousarray(right), intrinsics, BASELINE)


def test_hint_of_a_wall_is_its_depth(pair: StereoPair) -> None:
    hint = fused_hint(pair, draws=4, seed=0)
    inner = hint[:, 2 * DISPARITY :]
    assert (inner > 0).mean() > 0.95
    assert np.median(inner[inner > 0]) == pytest.approx(DEPTH, rel=0.02)


def test_more_settings_reproject_better(pair: StereoPair) -> None:
    few, many = (
        # Unknown pixels count as quite wrong.
        np.minimum(reprojection_error(pair, fused_hint(pair, n, seed=3)), 1.0).mean()
        for n in (1, 6)
    )
    assert many < few


def test_reprojection_is_best_at_the_true_depth(pair: StereoPair) -> None:
    shape = pair.left.shape
    inner = np.s_[5:-5, 20:-5]
    errors = [
        reprojection_error(pair, np.full(shape, d, np.float32))[inner].mean()
        for d in (0.8 * DEPTH, DEPTH, 1.25 * DEPTH)
    ]
    assert errors[1] < 0.01
    assert errors[1] < min(errors[0], errors[2])


def test_cache_makes_each_hint_once(pair: StereoPair, tmp_path: Path) -> None:
    first = HintCache(tmp_path, draws=2)
    hint = first.hint(pair)
    again = HintCache(tmp_path, draws=2)
    np.testing.assert_array_equal(again.hint(pair), hint)
    assert (first.made, again.made) == (1, 0)
    other = HintCache(tmp_path, draws=3)
    other.hint(pair)
    assert other.made == 1
    assert len(list(tmp_path.iterdir())) == 2
