"""Checkpoints of a training: written atomically, loaded only with the same settings."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from denseba_ros.errors import ConfigurationError


def save_checkpoint(path: Path, settings: dict[str, Any], state: dict[str, Any]) -> None:
    """Write ``state`` and the ``settings`` of its training, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.part")
    torch.save({"settings": settings, **state}, partial)
    partial.replace(path)


@contextmanager
def opened_checkpoint(
    path: Path, settings: dict[str, Any], device: torch.device | None = None
) -> Iterator[dict[str, Any]]:
    """The state of a checkpoint, with tensors on ``device``, to be loaded inside the ``with``.

    Raises:
        ConfigurationError: when it is missing, of a training with other ``settings``, or broken,
            also if that is detected only inside the ``with``.
    """
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        if state["settings"] != settings:
            raise ConfigurationError(f"{path}: a checkpoint of other settings")
        yield state
    except (OSError, KeyError, RuntimeError, EOFError, ValueError, pickle.PickleError) as error:
        raise ConfigurationError(f"{path}: no checkpoint of this training ({error})") from error
