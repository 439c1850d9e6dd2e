"""Weights of the depth network as a file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from denseba_ros.errors import ConfigurationError
from denseba_ros.frontend.depth_network import DepthNetwork

FORMAT = "denseba-depth-1"
_ABOUT = "denseba"


@dataclass(frozen=True)
class DepthWeights:
    """A network with the number of ``pixels`` that it was trained to see."""

    network: DepthNetwork
    pixels: int


def save_depth(weights: DepthWeights, path: Path) -> None:
    """Write the parameters as safetensors; the folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: t.contiguous() for name, t in weights.network.state_dict().items()}
    # One entry: safetensors writes several in any order, and equal weights shall be equal files.
    about = json.dumps({"format": FORMAT, "pixels": weights.pixels})
    save_file(tensors, path, metadata={_ABOUT: about})


def load_depth(path: Path) -> DepthWeights:
    """The network from ``path``, ready for use.

    Raises:
        ConfigurationError: when the file is missing, broken or of another network.
    """
    network = DepthNetwork()
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get(_ABOUT, "{}"))
            if about.get("format") != FORMAT:
                raise ConfigurationError(f"{path}: not in the format {FORMAT}")
            network.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
            pixels = int(about["pixels"])
    except (OSError, SafetensorError, RuntimeError, KeyError, ValueError) as error:
        raise ConfigurationError(f"{path}: no weights of the depth network ({error})") from error
    return DepthWeights(network.eval(), pixels)
