"""A recurrent network from consecutive images to the motion between them.

Convolutions make features of each image, whose correlation shows where things went; a flow with a
weight for every cell comes from it, at two scales. The rotation that explains this flow best is
solved for, with the rays of the cells (the intrinsics layer of Wang et al., "TartanVO", CoRL 2020,
made exact), so that one network serves other cameras. An LSTM over time corrects it and says the
rest. Cells are pooled to a few before the LSTM, whatever the size of the image.
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
# Cells around that are looked at, channels inside and shown to the memory: strides 8 and 4.
_COARSE, _FINE = (4, 64, 16), (2, 32, 16)
_CELLS = (3, 5)
_MEMORY = 128
# An untrained network says hardly any motion, with these deviations (metres, radians).
_SMALL = 0.01
_LEAST_LOG_SIGMA, _MOST_LOG_SIGMA = math.log(1e-4), math.log(10.0)


@dataclass(frozen=True)
class PoseOutput:
    """Motion T_previous_current of (B, L) pairs, in the network's convention.

    ``quaternion`` (B, L, 4) x, y, z, w of length one; ``translation`` (B, L, 3); ``log_sigma``
    (B, L, 6) of translation and rotation vector; ``affine`` (B, L, 2) = (a, b): the current image
    is exp(a) * previous + b; ``solved`` (B, L, 2, 3) rotation vectors by coarse and by fine flow
    alone.
    """

    quaternion: Tensor
    translation: Tensor
    log_sigma: Tensor
    affine: Tensor
    solved: Tensor

    @property
    def covariance(self) -> Tensor:
        """(B, L, 6, 6), diagonal."""
        return torch.diag_embed(torch.exp(2.0 * self.log_sigma))


# What an LSTM remembers: output and cell, each (B, memory).
State = tuple[Tensor, Tensor]


class PoseNetwork(nn.Module):
    """Batch normalisation and leaky ReLU in the encoder, one LSTM cell, linear heads."""

    def __init__(self, ned: bool = False) -> None:
        """``ned``: motions come out along NED axes (``pose_convention``), not optical ones."""
        super().__init__()
        self.ned = ned
        self.fine_features = nn.Sequential(unit(1, _STRIDE_2, 2), unit(_STRIDE_2, _STRIDE_4, 2))
        self.coarse_features = unit(_STRIDE_4, _STRIDE_8, 2)
        self.coarse = FlowRotation(_STRIDE_8, *_COARSE)
        self.fine = FlowRotation(_STRIDE_4, *_FINE)
        pooled = (_COARSE[2] + _FINE[2]) * _CELLS[0] * _CELLS[1]
        self.memory = nn.LSTMCell(pooled + 3, _MEMORY)
        self.head = nn.Linear(_MEMORY, 3 + 3 + 6 + 2)

    def start(self, lanes: int) -> State:
        """What is remembered before the first pair."""
        weight = self.head.weight
        return weight.new_zeros(lanes, _MEMORY), weight.new_zeros(lanes, _MEMORY)

    def forward(
        self, images: Tensor, intrinsics: Tensor, first: Tensor, state: State
    ) -> tuple[PoseOutput, State]:
        """MotionModel of L pairs in a row of B lanes, and what is remembered after them.

        ``images`` (B, L + 1, 1, H, W) grey 0-255, pair k being the images k and k + 1;
        ``intrinsics`` (B, L, 4); ``first`` (B, L) bool: image k belongs to another run, so pair k
        means nothing, and what was remembered is forgotten.
        """
        lanes, length = first.shape
        solved, seen = self._seen(images, intrinsics.flatten(0, 1))
        solved, seen = solved.reshape(lanes, length, 2, 3), seen.reshape(lanes, length, -1)
        remembered = []
        for k in range(length):
            kept = (~first[:, k, None]).to(seen.dtype)
            state = self.memory(seen[:, k], (state[0] * kept, state[1] * kept))
            remembered.append(state[0])
        return self._output(self.head(torch.stack(remembered, 1)), solved), state

    def _seen(self, images: Tensor, intrinsics: Tensor) -> tuple[Tensor, Tensor]:
        """Rotation vectors (N, 2, 3) by the flow of all N pairs, and what the memory is shown."""
        fine = self.fine_features(images.flatten(0, 1) / 127.5 - 1.0)
        coarse = self.coarse_features(fine)
        vector = torch.zeros_like(intrinsics[:, :3])
        vectors, shown = [], []
        for stage, features in ((self.coarse, coarse), (self.fine, fine)):
            of_lanes = features.reshape(*images.shape[:2], *features.shape[1:])
            one, other = of_lanes[:, :-1].flatten(0, 1), of_lanes[:, 1:].flatten(0, 1)
            grid = Grid.of(intrinsics, one.shape[-2:], images.shape[-2:])
            # Where the next stage looks is no way for gradients.
            vector, seen = stage(one, other, grid, vector.detach())
            vectors.append(vector)
            shown.append(F.adaptive_avg_pool2d(seen, _CELLS).flatten(1))
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
