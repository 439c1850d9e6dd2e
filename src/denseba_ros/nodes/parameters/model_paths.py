"""Weights that parameters name as files: only those below one folder."""

from __future__ import annotations

from pathlib import Path

from denseba_ros.config import Config
from denseba_ros.nodes.parameters.node_config import NodeConfig
from denseba_ros.resources import confined, share_file


def with_confined_models(config: Config, settings: NodeConfig) -> Config:
    """``config`` with absolute paths where it names weights as files.

    Whoever may set parameters must not make the node read any file of the machine, so they must lie
    below ``settings.model_folder``, or the package's models/ where that is empty.

    Raises:
        ConfigurationError: when a file lies elsewhere or is not a .safetensors file.
    """
    frontend, folder = config.frontend, settings.model_folder
    for field in ("depth_model", "pose_model"):
        name = getattr(frontend, field)
        if "/" in name or name.endswith(".safetensors"):
            below = Path(folder) if folder else share_file("models")
            path = confined(name, below, ".safetensors")
            frontend = frontend.model_copy(update={field: str(path)})
    return config.model_copy(update={"frontend": frontend})
