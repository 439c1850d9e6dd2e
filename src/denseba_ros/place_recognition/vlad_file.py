"""What turns local descriptors into one of the image, as a file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from denseba_ros.errors import ConfigurationError
from denseba_ros.place_recognition.vlad import Vlad

FORMAT = "denseba-places-1"
_ABOUT = "denseba"


def save_vlad(vlad: Vlad, path: Path) -> None:
    """Write it as safetensors, the large projection in half precision; makes a missing folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = {
        "centres": vlad.centres,
        "mean": vlad.mean,
        "projection": vlad.projection.astype(np.float16),
    }
    # safetensors writes the memory as it lies: a transposed array would come back scrambled.
    tensors = {name: np.ascontiguousarray(part) for name, part in parts.items()}
    about = {"format": FORMAT, "threshold": vlad.threshold}
    save_file(tensors, path, metadata={_ABOUT: json.dumps(about)})


def load_vlad(path: Path) -> Vlad:
    """What ``save_vlad`` wrote to ``path``.

    Raises:
        ConfigurationError: when the file is missing, broken or of another kind.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {}).get(_ABOUT, "{}"))
            if about.get("format") != FORMAT:
                raise ConfigurationError(f"{path}: not in the format {FORMAT}")
            centres, mean, projection = (
                np.ascontiguousarray(file.get_tensor(name), np.float32)
                for name in ("centres", "mean", "projection")
            )
            vlad = Vlad(centres, mean, projection, float(about["threshold"]))
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise ConfigurationError(f"{path}: no weights of place recognition ({error})") from error
    if centres.ndim != 2 or not len(projection) == len(mean) == centres.size:
        raise ConfigurationError(f"{path}: centres, mean and projection do not fit each other")
    return vlad
