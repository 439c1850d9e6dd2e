"""The file of the map that parameters name: only below one folder."""

from __future__ import annotations

import os
from pathlib import Path

from denseba_ros.config import Config
from denseba_ros.errors import ConfigurationError
from denseba_ros.nodes.parameters.node_config import NodeConfig
from denseba_ros.resources import confined

SUFFIX = ".denseba"


def with_confined_map(config: Config, settings: NodeConfig) -> Config:
    """``config`` with its mode, and with an absolute path where it names the map's file.

    Whoever may set parameters must not make the node read or write any file of the machine, so it
    must lie below ``settings.map_folder``, which is made where a map is to be written.

    Raises:
        ConfigurationError: when the file lies elsewhere or is not called .denseba, or when the
            folder cannot be made.
    """
    section = config.map.resolved(in_node=True)
    if not section.file or section.mode == "off":
        return config.model_copy(update={"map": section})
    path = confined(section.file, _folder(settings), SUFFIX)
    if section.mode == "mapping":
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"{path.parent}: {error.strerror}") from error
    section = section.model_copy(update={"file": str(path)})
    return config.model_copy(update={"map": section})


def _folder(settings: NodeConfig) -> Path:
    """Where maps may lie."""
    if settings.map_folder:
        return Path(settings.map_folder)
    return Path(os.environ.get("ROS_HOME", "~/.ros")).expanduser() / "denseba_maps"
