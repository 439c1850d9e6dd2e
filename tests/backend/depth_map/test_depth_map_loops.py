"""The compiled maps against those of torch in double precision."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from denseba_ros.backend.depth_map.depth_map import edge_weights, fill, fill_torch


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 70),
    share=st.floats(0.0, 1.0),
    seed=st.integers(0, 2**32 - 1),
)
def test_maps_are_those_of_torch(height: int, width: int, share: float, seed: int) -> None:
    """At any size, even odd ones, with any share of the cells known."""
    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    value = 0.1 + random(3, height, width)
    weight = random(3, height, width) ** 4 * (random(3, height, width) < share)
    edges = torch.stack([edge_weights(100.0 * random(height, width)) for _ in range(3)])
    kept = [part.float() for part in (value, weight, edges)]
    parts = [part.clone() for part in kept]
    expected = fill_torch(*(part.double() for part in kept))
    actual = fill(*parts)
    assert actual.dtype == torch.float32
    np.testing.assert_allclose(actual, expected, rtol=2e-4, atol=1e-6)
    for part, before in zip(parts, kept, strict=True):
        torch.testing.assert_close(part, before, rtol=0.0, atol=0.0)


def test_a_map_is_the_same_alone_and_among_others() -> None:
    generator = torch.Generator().manual_seed(1)
    value, weight = torch.rand(2, 4, 30, 41, generator=generator)
    edges = torch.rand(4, 2, 30, 41, generator=generator)
    together = fill(value, weight * (weight > 0.8), edges)
    for k in range(4):
        alone = fill(value[k], (weight * (weight > 0.8))[k], edges[k])
        torch.testing.assert_close(alone, together[k], rtol=0.0, atol=0.0)
