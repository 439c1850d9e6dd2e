"""Parameters of a network as a safetensors file with metadata of their format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from denseba_ros.errors import ConfigurationError

_ABOUT = "denseba"


def save_network(network: nn.Module, path: Path, about: dict[str, Any]) -> None:
    """Write the parameters with the metadata ``about``, which names the "format"; creates a missing
    folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: t.contiguous() for name, t in network.state_dict().items()}
    # One entry: safetensors writes several in any order, but equal weights must give equal files.
    save_file(tensors, path, metadata={_ABOUT: json.dumps(about)})


def load_network(network: nn.Module, path: Path, form: str, what: str) -> dict[str, Any]:
    """Load the parameters of ``network`` from a file of the format ``form``.

    ``what`` names the network in messages. Returns the file's metadata.

    Raises:
        ConfigurationError: when the file is missing, broken or of another network.
    """
    try:
        with safe_open(path, framework="pt") as file:
            about: dict[str, Any] = json.loads((file.metadata() or {}).get(_ABOUT, "{}"))
            if about.get("format") != form:
                raise ConfigurationError(f"{path}: not in the format {form}")
            network.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    except (OSError, SafetensorError, RuntimeError, ValueError) as error:
        raise ConfigurationError(f"{path}: no weights of the {what} network ({error})") from error
    network.eval()
    return about
