from __future__ import annotations

import pytest
import torch

from denseba_ros.frontend.pose.correlation import local_correlation

_GENERATOR = torch.Generator().manual_seed(0)


def test_each_channel_is_the_product_with_the_moved_cell() -> None:
    one, other = (torch.randn(2, 5, 6, 8, generator=_GENERATOR) for _ in range(2))
    radius = 2
    correlation = local_correlation(one, other, radius)
    assert correlation.shape == (2, 25, 6, 8)
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            channel = correlation[:, (dy + radius) * 5 + dx + radius]
            for y in range(6):
                for x in range(8):
                    there = 0 <= y + dy < 6 and 0 <= x + dx < 8
                    expected = torch.zeros(2)
                    if there:
                        expected = (one[:, :, y, x] * other[:, :, y + dy, x + dx]).mean(1)
                    torch.testing.assert_close(channel[:, y, x], expected)


def test_features_of_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        local_correlation(torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 5), 1)
