"""Image pairs with putative matches and the true relative pose, from recorded sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from denseba_ros.geometry import se3
from denseba_ros.geometry.cross_product import hat
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.matching.features import Features
from denseba_ros.matching.matches import match_features
from denseba_ros.training.common.posed_features import read_posed_features


@dataclass(frozen=True)
class MatchPair:
    """One pair, or a batch of pairs with equal numbers of matches.

    ``first`` and ``second`` (..., M, 2) normalised image coordinates, ``side`` (..., M, 3) side
    information, the true ``T_second_first`` (..., 4, 4), and the size (...) of a ``pixel`` in
    normalised coordinates.
    """

    first: Tensor
    second: Tensor
    side: Tensor
    T_second_first: Tensor
    pixel: Tensor

    @property
    def E(self) -> Tensor:
        """True essential matrix (..., 3, 3) of length one; zero without translation."""
        T = self.T_second_first
        E = hat(T[..., :3, 3]) @ T[..., :3, :3]
        return F.normalize(E.flatten(-2), dim=-1).reshape(E.shape)


def stacked(pairs: Sequence[MatchPair]) -> MatchPair:
    """A batch of pairs with equal numbers of matches."""
    return MatchPair(
        torch.stack([pair.first for pair in pairs]),
        torch.stack([pair.second for pair in pairs]),
        torch.stack([pair.side for pair in pairs]),
        torch.stack([pair.T_second_first for pair in pairs]),
        torch.stack([pair.pixel for pair in pairs]),
    )


class FeatureSequence:
    """Features and poses of the frames of one sequence, at the system's working resolution."""

    def __init__(
        self, camera: Pinhole, features: Sequence[Features], T_world_camera: Sequence[Tensor | None]
    ) -> None:
        """``T_world_camera`` (4, 4) of each frame, None where it is unknown."""
        self.camera = camera
        self._features = features
        self._T_world_camera = T_world_camera

    def __len__(self) -> int:
        return len(self._features)

    def part(self, begin: float, end: float) -> FeatureSequence:
        """The frames from ``begin`` to ``end``, ratios of the sequence's length; adjacent parts do
        not overlap."""
        first, last = (round(share * len(self)) for share in (begin, end))
        return FeatureSequence(
            self.camera, self._features[first:last], self._T_world_camera[first:last]
        )

    def pair(self, one: int, other: int) -> MatchPair | None:
        """Matches between the frames at two indices; None if a pose is unknown."""
        T_world_one, T_world_other = self._T_world_camera[one], self._T_world_camera[other]
        if T_world_one is None or T_world_other is None:
            return None
        matches = match_features(self._features[one], self._features[other])
        camera = self.camera
        first, second = (camera.rays(x.double())[..., :2] for x in (matches.first, matches.second))
        T = se3.inverse(T_world_other) @ T_world_one
        return MatchPair(first, second, matches.side, T, first.new_tensor(1.0 / camera.fx))


def read_features(path: Path, count: int) -> FeatureSequence:
    """``count`` features of every frame of a recorded sequence.

    Raises:
        SequenceError: when the sequence has no ground truth.
        ConfigurationError: without the package of the features.
    """
    posed = read_posed_features(path, count)
    poses = [
        None if np.isnan(T).any() else torch.from_numpy(T).double() for T in posed.T_world_camera
    ]
    return FeatureSequence(posed.camera, posed.features, poses)
