"""Weights of the match network as a file."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from denseba_ros.errors import ConfigurationError
from denseba_ros.matching.weight_network import WeightNetwork

FORMAT = "denseba-match-weights-1"


def save_weights(network: WeightNetwork, path: Path) -> None:
    """Write the network's parameters as safetensors; the folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    save_file(tensors, path, metadata={"format": FORMAT})


def load_weights(path: Path) -> WeightNetwork:
    """The network from ``path``, ready for use.

    Raises:
        ConfigurationError: when the file is missing, broken or of another network.
    """
    network = WeightNetwork()
    try:
        network.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise ConfigurationError(f"{path}: no weights of the match network ({error})") from error
    return network.eval()
