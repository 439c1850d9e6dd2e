"""External depth networks: Hugging Face models through ``transformers``, and ONNX files."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from denseba_ros.errors import ConfigurationError
from denseba_ros.frontend.depth.constant_depth import DEPTH_STRIDE
from denseba_ros.geometry.calibration import Calibration

# Mean and standard deviation of ImageNet's colours, by which these networks' input is normalised.
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# Input size in pixels, about, if the network does not fix it.
_PIXELS = 150_000
# Standard deviations of log-depth, which these networks do not predict.
_METRIC_SIGMA, _RELATIVE_SIGMA = 0.3, 0.4
# Inverse depth is clamped from below to this share of its median.
_MIN_INVERSE = 0.02

Kind = Literal["metric", "relative"]


@dataclass(frozen=True)
class ExternalNetwork:
    """``run`` maps (1, 3, H, W), normalised colour, or (1, 1, H, W), grey 0-255, by ``channels``,
    to (1, h, w): metres, or inverse depth of unknown scale, by ``kind``. ``height`` and ``width``
    are fixed if not None, else multiples of ``multiple``."""

    name: str
    run: Callable[[Tensor], Tensor]
    kind: Kind
    channels: int = 3
    height: int | None = None
    width: int | None = None
    multiple: int = 14


class ExternalDepth:
    """An external network as the frontend's depth model."""

    def __init__(self, network: ExternalNetwork, constant_depth: float) -> None:
        """``constant_depth``: metres to which the median of a relative network is scaled."""
        self.name = network.name
        self._network, self._constant = network, constant_depth

    @torch.no_grad()
    def predict(self, image: Tensor, calibration: Calibration) -> tuple[Tensor, Tensor]:
        """Log-depth and its standard deviation, each (1, 1, H/4, W/4), of ``image`` (1, 1, H, W).

        Raises:
            ConfigurationError: when the network's output has another shape than (1, h, w).
        """
        inputs = _prepared(image, self._network)
        value = self._network.run(inputs).to(image.device, torch.float32)
        if value.ndim != 3:
            raise ConfigurationError(f"{self.name}: gives {tuple(value.shape)}, not (1, h, w)")
        size = (calibration.height // DEPTH_STRIDE, calibration.width // DEPTH_STRIDE)
        value = F.interpolate(value[:, None], size, mode="bilinear")
        if self._network.kind == "metric":
            log_depth = torch.log(value.clamp(min=1e-2))
            return log_depth, torch.full_like(log_depth, _METRIC_SIGMA)
        relative = (value / value.median().clamp(min=1e-9)).clamp(min=_MIN_INVERSE)
        log_depth = math.log(self._constant) - torch.log(relative)
        return log_depth, torch.full_like(log_depth, _RELATIVE_SIGMA)


def _prepared(image: Tensor, network: ExternalNetwork) -> Tensor:
    """Image (1, 1, H, W), 0-255, at the size and with the colours that the network expects."""
    scale = math.sqrt(_PIXELS / (image.shape[-2] * image.shape[-1]))
    h, w = (
        fixed or max(1, round(side * scale / network.multiple)) * network.multiple
        for fixed, side in ((network.height, image.shape[-2]), (network.width, image.shape[-1]))
    )
    grey = F.interpolate(image, (h, w), mode="bilinear", antialias=True)
    if network.channels == 1:
        return grey
    colour = (grey / 255.0).expand(1, 3, h, w)
    return (colour - image.new_tensor(_MEAN)[:, None, None]) / image.new_tensor(_DEVIATION)[
        :, None, None
    ]


def load_transformers(name: str, device: torch.device) -> ExternalNetwork:
    """A depth model of ``transformers``, such as Depth Anything V2, by folder or name.

    Raises:
        ConfigurationError: without the package, or when there is no such model.
    """
    transformers = _module("transformers")
    try:
        model: Any = transformers.AutoModelForDepthEstimation.from_pretrained(name)
    except Exception as error:
        # Hubs, files and configurations fail in many ways, each with its own class.
        raise ConfigurationError(f"depth model {name}: {error}") from error
    model = model.to(device).eval()
    backbone = getattr(model.config, "backbone_config", None)
    multiple = int(getattr(backbone, "patch_size", None) or 32)
    kind = _kind(getattr(model.config, "depth_estimation_type", "relative"), name)
    return ExternalNetwork(
        name, lambda x: model(pixel_values=x).predicted_depth, kind, multiple=multiple
    )


def load_onnx(path: Path) -> ExternalNetwork:
    """A depth network of an ONNX file, run on the CPU.

    One input (1, 3 or 1, H, W), one output (1, h, w) or (1, 1, h, w). The metadata entry
    ``depth_estimation_type`` is "metric" or "relative" (inverse depth); without it, relative.

    Raises:
        ConfigurationError: without onnxruntime, or when the file is missing or broken.
    """
    onnxruntime = _module("onnxruntime")
    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:
        # The classes of its errors are no part of its interface.
        raise ConfigurationError(f"{path}: no ONNX network ({error})") from error
    (source,) = session.get_inputs()
    _, channels, height, width = source.shape
    about = session.get_modelmeta().custom_metadata_map

    def run(image: Tensor) -> Tensor:
        (result, *_) = session.run(None, {source.name: image.cpu().numpy()})
        value = torch.from_numpy(result)
        return value[:, 0] if value.ndim == 4 else value

    return ExternalNetwork(
        path.name,
        run,
        _kind(about.get("depth_estimation_type", "relative"), str(path)),
        channels=channels if channels == 1 else 3,
        height=height if isinstance(height, int) else None,
        width=width if isinstance(width, int) else None,
        multiple=32 if channels == 1 else 14,
    )


def _kind(text: str, name: str) -> Kind:
    if text == "metric":
        return "metric"
    if text == "relative":
        return "relative"
    raise ConfigurationError(f"{name}: depth_estimation_type {text!r} is unknown")


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"this depth model needs {name}: pip install 'denseba_ros[depth-models]'"
        ) from error
