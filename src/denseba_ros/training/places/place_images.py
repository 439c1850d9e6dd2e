"""Local descriptors of images with known poses: recorded sequences and rendered rooms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from denseba_ros.matching.features import XFeat
from denseba_ros.place_recognition.place_describer import FEATURES
from denseba_ros.place_recognition.vlad import Floats
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.training.common.posed_features import read_posed_features

_ROOM_SECONDS, _ROOM_RATE = 40, 2.5


@dataclass(frozen=True)
class PlaceImages:
    """Images of one world in the order of time: ``descriptors`` (M, 64) float32 of each, and
    ``T_world_camera`` (N, 4, 4) float64, NaN where it is unknown."""

    descriptors: Sequence[Floats]
    T_world_camera: np.ndarray

    def __len__(self) -> int:
        return len(self.descriptors)

    def disjoint(self, angle: float) -> np.ndarray:
        """(N, N) bool: pairs that look in directions more than ``angle`` (radians) apart."""
        forward = self.T_world_camera[:, :3, 2]
        apart: np.ndarray = forward @ forward.T < np.cos(angle)
        return apart


def read_place_images(path: Path) -> PlaceImages:
    """All images of a recorded sequence, at the system's working resolution.

    Raises:
        SequenceError: when the sequence has no ground truth.
        ConfigurationError: without the package of the features.
    """
    posed = read_posed_features(path, FEATURES)
    return PlaceImages([f.descriptors.numpy() for f in posed.features], posed.T_world_camera)


def render_place_images(seed: int) -> PlaceImages:
    """Two rounds through the rendered room with the surfaces of ``seed``, looking all around.

    Raises:
        ConfigurationError: without the package of the features.
    """
    frames = int(_ROOM_SECONDS * _ROOM_RATE)
    room = RoomSequence("loop", frames, 640, 480, seed=seed, rate=_ROOM_RATE)
    network = XFeat(FEATURES)
    descriptors = [
        network.detect(torch.from_numpy(frame.image).float()[None, None]).descriptors.numpy()
        for frame in tqdm(room, desc=f"room {seed}", disable=None)
    ]
    return PlaceImages(descriptors, room.groundtruth().T_world_camera)
