"""Learned features of recorded images, with the true poses where they are known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from denseba_ros.config import Config
from denseba_ros.errors import SequenceError
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.geometry.rectify import Rectifier
from denseba_ros.matching.features import Features, XFeat
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.sequences.trajectory import associate

_STAMP_TOLERANCE_NS = 5_000_000


@dataclass(frozen=True)
class PosedFeatures:
    """``features`` of N images of one rectified ``camera``, and ``T_world_camera`` (N, 4, 4)
    float64, NaN where it is unknown."""

    camera: Pinhole
    features: list[Features]
    T_world_camera: np.ndarray


def read_posed_features(path: Path, count: int) -> PosedFeatures:
    """``count`` features of every image of a recorded sequence, at the system's working resolution.

    Raises:
        SequenceError: when the sequence has no ground truth.
        ConfigurationError: without the package of the features.
    """
    sequence = open_sequence(path)
    truth = sequence.groundtruth()
    if truth is None:
        raise SequenceError(f"{path}: this sequence has no ground truth")
    rectifier = Rectifier(sequence.calibration, Config().frontend.working_pixels)
    network = XFeat(count)
    features, stamps = [], []
    for frame in tqdm(sequence, total=len(sequence), desc=path.name, disable=None):
        grey = torch.from_numpy(rectifier.rectify(frame.image)).float()[None, None]
        features.append(network.detect(grey))
        stamps.append(frame.stamp_ns)
    poses = np.full((len(stamps), 4, 4), np.nan)
    frames, rows = associate(np.array(stamps), truth.stamps_ns, _STAMP_TOLERANCE_NS)
    poses[frames] = truth.T_world_camera[rows]
    return PosedFeatures(Pinhole.from_calibration(rectifier.calibration), features, poses)
