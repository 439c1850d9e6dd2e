"""A recurrent network from consecutive images to the motion between them.

Convolutional features of two images are correlated, which gives a weighted flow at two scales. The
rotation that fits this flow is the solution of a least-squares problem with the rays of the cells
(an exact form of the intrinsics layer of Wang et al., "TartanVO", CoRL 2020), so that one network
serves different cameras. An LSTM over time corrects the rotation and predicts translation,
deviations and brightness. Before the LSTM the cells are pooled to a fixed number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from denseba_ros.frontend.pose.flow_rotation import FlowRotation, Grid, unit
from denseba_ros.frontend.pose.pose_convention import NED_OF_OPTICAL

# Channels of the features at strides 2, 4 and 8.
_STRIDE_2, _STRIDE_4, _STRIDE_8 = 16, 32, 48
# Radius of the correlation, inner channels and channels to the LSTM, at strides 8 and 4.
_COARSE, _FINE = (4, 64, 16), (2, 32, 16)
_CELLS = (3, 5)
_MEMORY = 128
# An untrained network predicts almost no motion, with this standard deviation (metres, radians).
_SMALL = 0.01
_LEAST_LOG_SIGMA, _MOST_LOG_SIGMA = math.log(1e-4), math.log(10.0)


@dataclass(frozen=True)
class PoseOutput:
    """Motion T_previous_current of (B, L) pairs, in the network's convention.

    ``quaternion`` (B, L, 4) x, y, z, w of length one; ``translation`` (B, L, 3); ``log_sigma``
    (B, L, 6) of translation and rotation vector; ``affine`` (B, L, 2) = (a, b): the current image
    is exp(a) * previous + b; ``solved`` (B, L, 2, 3) rotation vectors from the coarse and from
    the fine flow alone.
    """

    quaternion: Tensor
    translation: Tensor
    log_sigma: Tensor
    affine: Tensor
    solved: Tensor

    @property
    def covariance(self) -> Tensor:
        """Diagonal covariance (B, L, 6, 6) of translation and rotation vector."""
        return torch.diag_embed(torch.exp(2.0 * self.log_sigma))


# State of the LSTM: hidden and cell state, each (B, memory).
State = tuple[Tensor, Tensor]


class PoseNetwork(nn.Module):
    """Batch normalisation and leaky ReLU in the encoder, one LSTM cell, linear heads."""

    def __init__(self, ned: bool = False) -> None:
        """``ned``: motions are predicted along NED axes (``pose_convention``), not optical ones."""
        super().__init__()
        self.ned = ned
        self.fine_features = nn.Sequential(unit(1, _STRIDE_2, 2), unit(_STRIDE_2, _STRIDE_4, 2))
        self.coarse_features = unit(_STRIDE_4, _STRIDE_8, 2)
        self.coarse = FlowRotation(_STRIDE_8, *_COARSE)
        self.fine = FlowRotation(_STRIDE_4, *_FINE)
        pooled = (_COARSE[2] + _FINE[2]) * _CELLS[0] * _CELLS[1]
        self.memory = nn.LSTMCell(pooled + 3, _MEMORY)
        self.head = nn.Linear(_MEMORY, 3 + 3 + 6 + 2)

    def initial_state(self, batch: int) -> State:
        """State of the LSTM before the first pair, for ``batch`` sequences."""
        weight = self.head.weight
        return weight.new_zeros(batch, _MEMORY), weight.new_zeros(batch, _MEMORY)

    def forward(
        self, images: Tensor, intrinsics: Tensor, first: Tensor, state: State
    ) -> tuple[PoseOutput, State]:
        """Motions of L consecutive pairs of B sequences, and the state after them.

        Args:
            images: (B, L + 1, 1, H, W) grey 0-255; pair k is the images k and k + 1.
            intrinsics: (B, L, 4) fx, fy, cx, cy.
            first: (B, L) bool: image k is the last of another trajectory, so the result of pair k
                is meaningless, and the state is reset.
            state: of the LSTM before the first pair.
        """
        batch, length = first.shape
        solved, features = self._pair_features(images, intrinsics.flatten(0, 1))
        solved, features = solved.reshape(batch, length, 2, 3), features.reshape(batch, length, -1)
        hidden = []
        for k in range(length):
            keep = (~first[:, k, None]).to(features.dtype)
            state = self.memory(features[:, k], (state[0] * keep, state[1] * keep))
            hidden.append(state[0])
        return self._output(self.head(torch.stack(hidden, 1)), solved), state

    def _pair_features(self, images: Tensor, intrinsics: Tensor) -> tuple[Tensor, Tensor]:
        """Rotation vectors (N, 2, 3) from the flow of all N pairs, and the LSTM's input (N, C)."""
        fine = self.fine_features(images.flatten(0, 1) / 127.5 - 1.0)
        coarse = self.coarse_features(fine)
        vector = torch.zeros_like(intrinsics[:, :3])
        vectors, shown = [], []
        for stage, features in ((self.coarse, coarse), (self.fine, fine)):
            in_order = features.reshape(*images.shape[:2], *features.shape[1:])
            one, other = in_order[:, :-1].flatten(0, 1), in_order[:, 1:].flatten(0, 1)
            grid = Grid.of(intrinsics, one.shape[-2:], images.shape[-2:])
            # No gradients through the initial guess of the next stage.
            vector, pair = stage(one, other, grid, vector.detach())
            vectors.append(vector)
            shown.append(F.adaptive_avg_pool2d(pair, _CELLS).flatten(1))
        return torch.stack(vectors, 1), torch.cat([*shown, vector / _SMALL], 1)

    def _output(self, raw: Tensor, solved: Tensor) -> PoseOutput:
        translation, correction, log_sigma, affine = torch.split(raw, [3, 3, 6, 2], -1)
        vector = solved[..., -1, :] + _SMALL * correction
        log_sigma = (log_sigma + math.log(_SMALL)).clamp(_LEAST_LOG_SIGMA, _MOST_LOG_SIGMA)
        scale = affine.new_tensor([_SMALL, 1.0])
        translation = translation * _SMALL * 10.0
        if self.ned:
            axes = list(NED_OF_OPTICAL)
            translation, vector, solved = (x[..., axes] for x in (translation, vector, solved))
            log_sigma = log_sigma[..., axes + [3 + axis for axis in axes]]
        return PoseOutput(_quaternion(vector), translation, log_sigma, affine * scale, solved)


def _quaternion(vector: Tensor) -> Tensor:
    """Unit quaternions (..., 4) of rotation vectors (..., 3), to third order in the angle."""
    # tan(x/2) = x/2 + x^3/24: the direction before it is normalised.
    half = 0.5 * vector * (1.0 + (vector * vector).sum(-1, keepdim=True) / 12.0)
    return F.normalize(torch.cat([half, torch.ones_like(half[..., :1])], -1), dim=-1)
