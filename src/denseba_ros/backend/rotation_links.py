"""Rotations between neighbouring keyframes that a gyroscope measured: a part of the energy.

0.5 w |log(R_j R_i' R_ji')|^2 for keyframes i and j with rotations R of T_camera_world. The
Jacobians by left steps are -R_ji and the identity, those at a perfect fit: they do not depend on
the estimate, as first estimates should not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from denseba_ros.geometry import se3
from denseba_ros.geometry.rotation_array import vector_from_rotation

# Where the rotation is among the eight of a frame.
_FIRST, _DOF = 3, 8
# Of a rotation by images beside what the information of its alignment says, rad per axis: depths
# that are off.
_VISION = 2e-3
# Chi-square of three numbers beyond which both cannot be right; one in 900 of right ones.
_FARTHEST = 16.0


@dataclass(frozen=True)
class MeasuredTurn:
    """``R_later_earlier`` (3, 3) float64 of the camera from the keyframe before, with deviation
    ``sigma`` (rad) per axis."""

    R_later_earlier: np.ndarray
    sigma: float

    def off(self, R: np.ndarray) -> np.ndarray:
        """(3,) rad, the left step that leads from here to another R_later_earlier (3, 3)."""
        off: np.ndarray = vector_from_rotation(R @ self.R_later_earlier.T)
        return off

    def fits(self, R: np.ndarray, covariance: np.ndarray | None = None) -> bool:
        """Whether this may be the rotation R_later_earlier (3, 3) by images, with a ``covariance``
        (3, 3) rad2.

        An innovation test: Bar-Shalom, Li, Kirubarajan, "Estimation with applications to tracking
        and navigation", 2001, section 5.4.
        """
        off = self.off(R)
        variance = (self.sigma**2 + _VISION**2) * np.eye(3)
        if covariance is not None:
            variance = variance + covariance
        return float(off @ np.linalg.solve(variance, off)) < _FARTHEST


@dataclass(frozen=True)
class RotationLinks:
    """One from each of K frames to the next: ``R_later_earlier`` (K - 1, 3, 3) float64 and
    ``information`` (K - 1,) float64 per axis, zero where nothing was measured."""

    R_later_earlier: Tensor
    information: Tensor

    @classmethod
    def stacked(
        cls, turns: Sequence[MeasuredTurn | None], device: torch.device
    ) -> RotationLinks | None:
        """Of K - 1 ``turns``; None where nothing was measured."""
        if all(turn is None for turn in turns):
            return None
        R = [np.eye(3) if turn is None else turn.R_later_earlier for turn in turns]
        information = [0.0 if turn is None else turn.sigma**-2.0 for turn in turns]
        return cls(
            torch.from_numpy(np.stack(R)).to(device),
            torch.tensor(information, dtype=torch.float64, device=device),
        )

    def touching(self, index: int) -> RotationLinks:
        """Those of frame ``index`` alone."""
        kept = torch.zeros_like(self.information)
        kept[max(index - 1, 0) : index + 1] = 1.0
        return replace(self, information=self.information * kept)

    def energy(self, T: Tensor) -> Tensor:
        """Scalar float64 at T_camera_world (K, 4, 4)."""
        return 0.5 * (self.information[:, None] * self._residual(T) ** 2).sum()

    def equations(self, T: Tensor) -> tuple[Tensor, Tensor]:
        """Hessian (8K, 8K) and gradient (8K,) float64 at T_camera_world (K, 4, 4)."""
        k = len(T)
        weighted = self.information[:, None] * self._residual(T)
        R_t = self.R_later_earlier.mT
        i = torch.arange(k - 1, device=T.device)
        eye = torch.eye(3, dtype=T.dtype, device=T.device)
        w = self.information[:, None, None]
        H = T.new_zeros(k, k, 3, 3)
        H[i, i] += w * eye
        H[i + 1, i + 1] += w * eye
        H[i, i + 1] -= w * R_t
        H[i + 1, i] -= w * self.R_later_earlier
        b = T.new_zeros(k, 3)
        b[i] -= (R_t @ weighted[..., None])[..., 0]
        b[i + 1] += weighted
        whole = T.new_zeros(k, _DOF, k, _DOF)
        rotation = slice(_FIRST, _FIRST + 3)
        whole[:, rotation, :, rotation] = H.permute(0, 2, 1, 3)
        gradient = T.new_zeros(k, _DOF)
        gradient[:, rotation] = b
        return whole.reshape(k * _DOF, k * _DOF), gradient.reshape(-1)

    def _residual(self, T: Tensor) -> Tensor:
        """(K - 1, 3) rad, estimated against measured."""
        R = T[:, :3, :3]
        return se3.rotation_log(R[1:] @ R[:-1].mT @ self.R_later_earlier.mT)
