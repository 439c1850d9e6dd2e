"""Weights of the match network in a file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from denseba_ros.errors import ConfigurationError
from denseba_ros.matching.weight_file import load_weights, save_weights
from denseba_ros.matching.weight_network import WeightNetwork


def test_weights_survive_the_file(tmp_path: Path) -> None:
    network = WeightNetwork()
    target = tmp_path / "deep" / "weights.safetensors"
    save_weights(network, target)
    inputs = torch.rand(1, 40, 2), torch.rand(1, 40, 2), torch.rand(1, 40, 3)
    torch.testing.assert_close(load_weights(target)(*inputs), network(*inputs))


def test_a_broken_or_missing_file_is_an_error(tmp_path: Path) -> None:
    target = tmp_path / "weights.safetensors"
    with pytest.raises(ConfigurationError, match="no weights"):
        load_weights(target)
    target.write_bytes(b"no weights")
    with pytest.raises(ConfigurationError, match="no weights"):
        load_weights(target)
