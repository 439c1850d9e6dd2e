"""Images of a recorded sequence with true poses: features, and which pairs share a view."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from tqdm import tqdm

from denseba_ros.config import Config
from denseba_ros.frontend.depth.depth_network_encoder import Encoder, fold_batch_norm
from denseba_ros.frontend.depth.depth_network_file import load_depth
from denseba_ros.frontend.depth.depth_network_size import network_size
from denseba_ros.geometry.rectify import Rectifier
from denseba_ros.matching.features import Features, XFeat
from denseba_ros.matching.matches import match_features
from denseba_ros.resources import share_file
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.sequences.poses.pose_table import read_poses
from denseba_ros.sequences.trajectory import Trajectory, associate

_FEATURES = 1000
_STAMP_TOLERANCE_NS = 6_000_000
# A pair shares a view when so many of its matches, and this share of them, are so close to the
# epipolar lines of the true poses (pixels). A random match is with a chance of some 2 %.
_SIMILAR, _PIXELS, _LEAST_MATCHES, _LEAST_SHARE = 0.82, 4.0, 30, 0.25


@dataclass
class PlaceSequence:
    """Images in the order of time: ``seconds`` (N,), ``T`` T_world_camera (N, 4, 4), ``K`` (3, 3)
    of all, XFeat features, ORB descriptors (M, 32) uint8, and the depth encoder's last maps
    (192, h, w)."""

    name: str
    seconds: np.ndarray
    T: np.ndarray
    K: np.ndarray
    features: list[Features]
    orb: list[np.ndarray]
    maps: list[np.ndarray]

    def __len__(self) -> int:
        return len(self.seconds)

    def close(self, radius: float, degrees: float) -> np.ndarray:
        """(N, N) bool: pairs within ``radius`` metres and ``degrees``."""
        t, R = self.T[:, :3, 3], self.T[:, :3, :3]
        distance = np.linalg.norm(t[:, None] - t[None], axis=-1)
        cosine = 0.5 * (np.einsum("aij,bij->ab", R, R) - 1.0)
        near: np.ndarray = (distance < radius) & (cosine > np.cos(np.radians(degrees)))
        return near

    def share_a_view(self, one: int, other: int) -> bool:
        """Whether enough matches of both images agree with the true poses."""
        matches = match_features(self.features[one], self.features[other])
        likely = (matches.side[:, 0] > _SIMILAR).numpy()
        first, second = (x.numpy()[likely].astype(float) for x in (matches.first, matches.second))
        T = np.linalg.inv(self.T[other]) @ self.T[one]
        close = self._epipolar_pixels(T, first, second) < _PIXELS
        return int(close.sum()) >= max(_LEAST_MATCHES, _LEAST_SHARE * len(close))

    def _epipolar_pixels(self, T: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Distance (M,) of pixels ``second`` from the epipolar lines of ``first``."""
        x, y, z = T[:3, 3]
        hat = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
        inverse = np.linalg.inv(self.K)
        lines = _homogeneous(first) @ (inverse.T @ hat @ T[:3, :3] @ inverse).T
        distance = np.abs(np.sum(_homogeneous(second) * lines, axis=1))
        pixels: np.ndarray = distance / np.maximum(np.linalg.norm(lines[:, :2], axis=1), 1e-12)
        return pixels


def read_place_sequence(path: Path, every: int) -> PlaceSequence:
    """Every so many images of those with a true pose."""
    sequence = open_sequence(path)
    truth = _truth(path, sequence.groundtruth())
    rectifier = Rectifier(sequence.calibration, Config().frontend.working_pixels)
    weights = load_depth(share_file("models/depth.safetensors"))
    encoder = fold_batch_norm(weights.network.encoder).eval()
    xfeat, orb = XFeat(_FEATURES), cv2.ORB_create(_FEATURES)
    features, orbs, maps, stamps, rows = [], [], [], [], []
    posed = 0
    for frame in tqdm(sequence, total=len(sequence), desc=path.name, disable=None):
        row = associate(np.array([frame.stamp_ns]), truth.stamps_ns, _STAMP_TOLERANCE_NS)[1]
        posed += len(row)
        if len(row) == 0 or (posed - 1) % every:
            continue
        image = rectifier.rectify(frame.image)
        grey = torch.from_numpy(image).float()[None, None]
        features.append(xfeat.detect(grey))
        found = orb.detectAndCompute(image, None)[1]
        orbs.append(np.zeros((0, 32), np.uint8) if found is None else found)
        maps.append(_last_map(encoder, grey, weights.pixels))
        stamps.append(frame.stamp_ns)
        rows.append(int(row[0]))
    seconds, T = 1e-9 * np.array(stamps), truth.T_world_camera[rows]
    return PlaceSequence(path.name, seconds, T, rectifier.calibration.matrix, features, orbs, maps)


def _truth(path: Path, own: Trajectory | None) -> Trajectory:
    """The sequence's own ground truth, or a file of poses beside it."""
    if own is not None:
        return own
    return read_poses(path / "groundtruth.txt")


@torch.no_grad()
def _last_map(encoder: Encoder, grey: torch.Tensor, pixels: int) -> np.ndarray:
    """(192, h, w) at stride 32 of the depth network's input."""
    width, height = network_size(grey.shape[-1], grey.shape[-2], pixels)
    deepest: np.ndarray = encoder(F.interpolate(grey, (height, width), mode="area"))[4][0].numpy()
    return deepest


def _homogeneous(pixels: np.ndarray) -> np.ndarray:
    return np.concatenate([pixels, np.ones((len(pixels), 1))], axis=1)
