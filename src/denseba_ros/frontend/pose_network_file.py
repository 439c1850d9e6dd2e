"""Weights of the pose network as a file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from denseba_ros.errors import ConfigurationError
from denseba_ros.frontend.pose_network import PoseNetwork

FORMAT = "denseba-pose-1"
_ABOUT = "denseba"


@dataclass(frozen=True)
class PoseWeights:
    """A network with the image ``size`` (width, height) that it was trained at, and whether its
    motions are in NED axes."""

    network: PoseNetwork
    size: tuple[int, int]
    ned: bool = False


def save_pose(weights: PoseWeights, path: Path) -> None:
    """Write the parameters as safetensors; the folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: t.contiguous() for name, t in weights.network.state_dict().items()}
    # One entry: safetensors writes several in any order, and equal weights shall be equal files.
    about = json.dumps({"format": FORMAT, "size": weights.size, "ned": weights.ned})
    save_file(tensors, path, metadata={_ABOUT: about})


def load_pose(path: Path) -> PoseWeights:
    """The network from ``path``, ready for use.

    Raises:
        ConfigurationError: when the file is missing, broken or of another network.
    """
    network = PoseNetwork()
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get(_ABOUT, "{}"))
            if about.get("format") != FORMAT:
                raise ConfigurationError(f"{path}: not in the format {FORMAT}")
            network.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
            width, height = about["size"]
            weights = PoseWeights(network.eval(), (int(width), int(height)), bool(about["ned"]))
    except (OSError, SafetensorError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise ConfigurationError(f"{path}: no weights of the pose network ({error})") from error
    return weights
