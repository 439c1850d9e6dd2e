"""Weights of the pose network as a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from denseba_ros.errors import ConfigurationError
from denseba_ros.frontend.network_file import load_network, save_network
from denseba_ros.frontend.pose.pose_network import PoseNetwork

FORMAT = "denseba-pose-2"


@dataclass(frozen=True)
class PoseWeights:
    """A network with the image ``size`` (width, height) of its training."""

    network: PoseNetwork
    size: tuple[int, int]


def save_pose(weights: PoseWeights, path: Path) -> None:
    """Write the parameters as safetensors; creates a missing folder."""
    about = {"format": FORMAT, "size": weights.size, "ned": weights.network.ned}
    save_network(weights.network, path, about)


def load_pose(path: Path) -> PoseWeights:
    """The network from ``path``, in inference mode.

    Raises:
        ConfigurationError: when the file is missing, broken or of another network.
    """
    network = PoseNetwork()
    try:
        about = load_network(network, path, FORMAT, "pose")
        width, height = about["size"]
        network.ned = bool(about["ned"])
    except (KeyError, ValueError, TypeError) as error:
        raise ConfigurationError(f"{path}: no weights of the pose network ({error})") from error
    return PoseWeights(network, (int(width), int(height)))
