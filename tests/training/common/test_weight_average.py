from __future__ import annotations

import torch
from torch import nn

from denseba_ros.training.common.weight_average import average


def test_the_decay_is_small_in_the_first_steps() -> None:
    mean, network = nn.BatchNorm1d(2), nn.BatchNorm1d(2)
    network.weight.data.fill_(3.0)
    assert network.num_batches_tracked is not None
    assert mean.num_batches_tracked is not None
    network.num_batches_tracked.fill_(7)
    average(mean, network, 0.9, 1)
    # 2 of 11 parts are kept at the first step.
    torch.testing.assert_close(mean.weight.data, torch.full((2,), (2 * 1.0 + 9 * 3.0) / 11))
    assert int(mean.num_batches_tracked) == 7
    mean.weight.data.fill_(1.0)
    average(mean, network, 0.9, 10_000)
    torch.testing.assert_close(mean.weight.data, torch.full((2,), 1.2))
