"""Local descriptors of images with known poses: recorded sequences and rendered rooms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from denseba_ros.config import Config
from denseba_ros.errors import SequenceError
from denseba_ros.geometry.rectify import Rectifier
from denseba_ros.matching.features import XFeat
from denseba_ros.place_recognition.place_describer import FEATURES
from denseba_ros.place_recognition.vlad import Floats
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.sequences.trajectory import associate

_STAMP_TOLERANCE_NS = 5_000_000
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
    sequence = open_sequence(path)
    truth = sequence.groundtruth()
    if truth is None:
        raise SequenceError(f"{path}: this sequence has no ground truth")
    rectifier = Rectifier(sequence.calibration, Config().frontend.working_pixels)
    network = XFeat(FEATURES)
    descriptors, stamps = [], []
    for frame in tqdm(sequence, total=len(sequence), desc=path.name, disable=None):
        image = rectifier.rectify(frame.image)
        descriptors.append(_local_descriptors(network, image))
        stamps.append(frame.stamp_ns)
    poses = np.full((len(stamps), 4, 4), np.nan)
    frames, rows = associate(np.array(stamps), truth.stamps_ns, _STAMP_TOLERANCE_NS)
    poses[frames] = truth.T_world_camera[rows]
    return PlaceImages(descriptors, poses)


def render_place_images(seed: int) -> PlaceImages:
    """Two rounds through the rendered room with the surfaces of ``seed``, looking all around.

    Raises:
        ConfigurationError: without the package of the features.
    """
    frames = int(_ROOM_SECONDS * _ROOM_RATE)
    room = RoomSequence("loop", frames, 640, 480, seed=seed, rate=_ROOM_RATE)
    network = XFeat(FEATURES)
    descriptors = [
        _local_descriptors(network, frame.image)
        for frame in tqdm(room, desc=f"room {seed}", disable=None)
    ]
    return PlaceImages(descriptors, room.groundtruth().T_world_camera)


def _local_descriptors(network: XFeat, image: np.ndarray) -> Floats:
    """(M, 64) float32 of a grey image (H, W) uint8."""
    grey = torch.from_numpy(image).float()[None, None]
    descriptors: Floats = network.detect(grey).descriptors.numpy()
    return descriptors
