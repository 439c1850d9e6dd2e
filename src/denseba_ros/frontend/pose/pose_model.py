"""Pose models: relative pose of consecutive images, one image at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from denseba_ros.errors import ConfigurationError
from denseba_ros.frontend.frame import Motion
from denseba_ros.frontend.pose.pose_convention import (
    motion_matrix,
    optical_covariance,
    optical_from_ned,
)
from denseba_ros.frontend.pose.pose_network import PoseOutput
from denseba_ros.frontend.pose.pose_network_file import PoseWeights, load_pose
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.resources import share_file

NONE, NETWORK = "none", "network"
# The weights that come with the package.
_SHIPPED = "models/pose.safetensors"


class PoseModel(Protocol):
    """Predicts the camera's motion since the last image."""

    def step(self, image: Tensor, calibration: Calibration) -> Motion | None:
        """Motion since the last ``image`` (1, 1, H, W) float32 grey 0-255, rectified, with
        ``calibration`` of it; None if there is no prediction."""
        ...

    def reset(self) -> None:
        """Drop the last image: the next one does not follow it."""
        ...


class NoPose:
    """Predicts nothing: the tracker then uses the last velocity."""

    def step(self, image: Tensor, calibration: Calibration) -> Motion | None:
        """None, always."""
        return None

    def reset(self) -> None:
        """Nothing to drop."""


class NetworkPose:
    """Keeps the last image and the network's recurrent state."""

    def __init__(self, weights: PoseWeights, device: torch.device) -> None:
        """The network of ``weights`` is moved to ``device``."""
        self._network = weights.network.to(device).eval()
        self._size = weights.size
        self.reset()

    def reset(self) -> None:
        """Drop the last image and reset the recurrent state."""
        self._previous: Tensor | None = None
        self._state = self._network.initial_state(1)

    @torch.no_grad()
    def step(self, image: Tensor, calibration: Calibration) -> Motion | None:
        """Motion by the network, as in ``PoseModel``; None at the first image."""
        width, height = self._size
        # In whole grey levels, as in training.
        small = F.interpolate(image, (height, width), mode="area").round()
        previous, self._previous = self._previous, small
        if previous is None:
            return None
        c = calibration.resized(width, height)
        intrinsics = torch.tensor([[[c.fx, c.fy, c.cx, c.cy]]], device=image.device)
        first = torch.zeros(1, 1, dtype=torch.bool, device=image.device)
        pair = torch.stack([previous, small], 1)
        output, self._state = self._network(pair, intrinsics, first, self._state)
        return self._motion(output)

    def _motion(self, output: PoseOutput) -> Motion:
        T = motion_matrix(output.quaternion, output.translation)[0, 0].double().cpu()
        covariance = output.covariance[0, 0].double().cpu()
        if self._network.ned:
            T, covariance = optical_from_ned(T), optical_covariance(covariance)
        gain, offset = float(torch.exp(output.affine[0, 0, 0])), float(output.affine[0, 0, 1])
        return Motion(T, covariance, gain, offset)


def make_pose_model(name: str, device: torch.device) -> PoseModel:
    """The pose model ``name`` (``frontend.pose_model``) on ``device``.

    Raises:
        ConfigurationError: when the name is unknown, or its file is missing or broken.
    """
    if name == NONE:
        return NoPose()
    if name == NETWORK:
        return NetworkPose(load_pose(share_file(_SHIPPED)), device)
    if name.endswith(".safetensors"):
        return NetworkPose(load_pose(Path(name)), device)
    raise ConfigurationError(
        f"frontend.pose_model {name!r} is unknown; known: {NONE!r}, {NETWORK!r}, "
        "a .safetensors file"
    )
