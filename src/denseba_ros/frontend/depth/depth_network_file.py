"""Weights of the depth network as a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from denseba_ros.errors import ConfigurationError
from denseba_ros.frontend.depth.depth_network import DepthNetwork
from denseba_ros.frontend.network_file import load_network, save_network

FORMAT = "denseba-depth-1"


@dataclass(frozen=True)
class DepthWeights:
    """A network with the number of ``pixels`` of its training images."""

    network: DepthNetwork
    pixels: int


def save_depth(weights: DepthWeights, path: Path) -> None:
    """Write the parameters as safetensors; creates a missing folder."""
    save_network(weights.network, path, {"format": FORMAT, "pixels": weights.pixels})


def load_depth(path: Path) -> DepthWeights:
    """The network from ``path``, in inference mode.

    Raises:
        ConfigurationError: when the file is missing, broken or of another network.
    """
    network = DepthNetwork()
    try:
        about = load_network(network, path, FORMAT, "depth")
        return DepthWeights(network, int(about["pixels"]))
    except (KeyError, ValueError) as error:
        raise ConfigurationError(f"{path}: no weights of the depth network ({error})") from error
