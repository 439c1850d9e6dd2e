"""Parameter files of ROS, and of plain YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from denseba_ros.errors import ConfigurationError


def parameters_from_yaml(path: Path) -> dict[str, Any]:
    """The parameters of a ROS parameter file (``/**: ros__parameters:``) or of plain YAML.

    Raises:
        ConfigurationError: when the file is missing, not YAML, or no mapping.
    """
    try:
        values = yaml.safe_load(path.read_text()) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(f"{path}: {reason}") from error
    if isinstance(values, dict) and "/**" in values:
        section = values["/**"]
        values = section.get("ros__parameters") if isinstance(section, dict) else None
    if not isinstance(values, dict):
        raise ConfigurationError(f"{path}: not a mapping of parameters")
    return values
