import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from denseba_ros.errors import ConfigurationError
from denseba_ros.frontend.depth.depth_network import DepthNetwork
from denseba_ros.frontend.depth.depth_network_file import (
    FORMAT,
    DepthWeights,
    load_depth,
    save_depth,
)


def test_weights_come_back(tmp_path: Path) -> None:
    torch.manual_seed(3)
    network = DepthNetwork()
    path = tmp_path / "new" / "depth.safetensors"
    save_depth(DepthWeights(network, 32_768), path)
    loaded = load_depth(path)
    assert loaded.pixels == 32_768
    assert not loaded.network.training
    for name, tensor in network.state_dict().items():
        assert torch.equal(loaded.network.state_dict()[name], tensor), name


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file(
        {"a": torch.zeros(2)},
        path,
        metadata={"denseba": json.dumps({"format": FORMAT, "pixels": 1})},
    )
    with pytest.raises(ConfigurationError, match="no weights of the depth network"):
        load_depth(path)


def test_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(2)}, path, metadata={"denseba": '{"format": "something"}'})
    with pytest.raises(ConfigurationError, match=FORMAT):
        load_depth(path)
