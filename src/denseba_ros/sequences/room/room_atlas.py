"""Texture atlas of the room: all faces in one image with mip levels, sampled trilinearly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from denseba_ros.sequences.room.room_geometry import Face
from denseba_ros.sequences.room.room_texture import paint

TEXEL = 0.004
"""Edge of a texel in metres."""
_LEVELS = 6
# Texels painted beyond a face, so that the coarsest level does not mix two faces.
_MARGIN = 2 ** (_LEVELS - 1)
_WIDTH = 2048


@dataclass(frozen=True)
class Atlas:
    """``levels`` (1, 1, H, W): all mip levels in one image; ``corners``: the texel of each face's
    origin; ``offsets`` (2, levels): first column and row of each level.
    """

    levels: Tensor
    offsets: Tensor
    corners: list[tuple[int, int]]

    def sample(self, x: Tensor, y: Tensor, level: Tensor) -> Tensor:
        """Brightness at texel coordinates of the finest level, trilinear; tensors (h, w)."""
        level = level.clamp(0.0, _LEVELS - 1.001)
        low = level.floor()
        near, far = self._bilinear(x, y, low), self._bilinear(x, y, low + 1.0)
        return torch.lerp(near, far, level - low)

    def _bilinear(self, x: Tensor, y: Tensor, level: Tensor) -> Tensor:
        scale = torch.exp2(-level)
        index = level.long()
        height, width = self.levels.shape[-2:]
        # Pixel centres are integers, so a level halves (x + 0.5); grid_sample takes -1 to 1.
        px = (x + 0.5) * scale + (self.offsets[0][index] - 0.5)
        py = (y + 0.5) * scale + (self.offsets[1][index] - 0.5)
        grid = torch.stack([px * (2.0 / (width - 1)) - 1.0, py * (2.0 / (height - 1)) - 1.0], -1)
        return torch.nn.functional.grid_sample(self.levels, grid[None], align_corners=True)[0, 0]


def build_atlas(faces: list[Face], seed: int) -> Atlas:
    """Paint every face with its own random numbers and pack them."""
    sizes = [_painted_size(face) for face in faces]
    positions, height = _pack(sizes)
    finest = np.zeros((height, _WIDTH), dtype=np.float32)
    for i, (face, (width, rows), (x, y)) in enumerate(zip(faces, sizes, positions, strict=True)):
        rng = np.random.default_rng((seed, i))
        finest[y : y + rows, x : x + width] = face.light * paint(width, rows, TEXEL, rng)
    levels, offsets = _stack_levels(finest)
    corners = [(x + _MARGIN, y + _MARGIN) for x, y in positions]
    return Atlas(
        torch.from_numpy(levels)[None, None], torch.tensor(offsets, dtype=torch.float32).T, corners
    )


def _painted_size(face: Face) -> tuple[int, int]:
    """Texels of a face with its margins, in multiples that every level can halve."""
    width, height = (
        _MARGIN * math.ceil((edge / TEXEL + 1) / _MARGIN) + 2 * _MARGIN for edge in face.size
    )
    return width, height


def _pack(sizes: list[tuple[int, int]]) -> tuple[list[tuple[int, int]], int]:
    """Rows of faces of similar height: the position (x, y) of each, and the height of all."""
    positions = [(0, 0)] * len(sizes)
    x = y = row = 0
    for i in sorted(range(len(sizes)), key=lambda i: -sizes[i][1]):
        width, height = sizes[i]
        if x + width > _WIDTH:
            x, y, row = 0, y + row, 0
        positions[i] = (x, y)
        x, row = x + width, max(row, height)
    return positions, y + row


def _stack_levels(finest: np.ndarray) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """The levels below one another in one image, and the position (x, y) of each."""
    level, levels, offsets, y = finest, [], [], 0
    for _ in range(_LEVELS):
        levels.append(np.pad(level, ((0, 0), (0, _WIDTH - level.shape[1]))))
        offsets.append((0, y))
        y += level.shape[0]
        level = cv2.resize(
            level, (level.shape[1] // 2, level.shape[0] // 2), interpolation=cv2.INTER_AREA
        )
    return np.concatenate(levels), offsets
