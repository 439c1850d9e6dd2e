"""The compiled sweeps against those of torch."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from denseba_ros.backend.depth_map.depth_map import relax_torch
from denseba_ros.backend.depth_map.depth_map_loops import relax


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 70),
    sweeps=st.integers(0, 31),
    seed=st.integers(0, 2**32 - 1),
)
def test_sweeps_are_those_of_torch(height: int, width: int, sweeps: int, seed: int) -> None:
    """Even where the weights towards what lies beyond the border are not zero."""
    rng = np.random.default_rng(seed)
    start = rng.random((3, height, width), np.float32)
    terms = rng.random((3, 5, height, width), np.float32) / 4
    kept = start.copy(), terms.copy()
    expected = relax_torch(torch.from_numpy(start), torch.from_numpy(terms), sweeps)
    result = np.full_like(start, np.nan)
    relax(1, 3, start, terms, sweeps, result)
    np.testing.assert_allclose(result[1:], expected[1:], rtol=1e-4)
    assert np.isnan(result[0]).all()
    np.testing.assert_array_equal(start, kept[0])
    np.testing.assert_array_equal(terms, kept[1])
