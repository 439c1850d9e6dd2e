"""The least time that two iterations of the backend can take: bytes and operations of the window.

Bytes: each iteration reads every input once (images with gradients, surfaces, points with priors)
and writes the inverse depths once; everything in between stays on the chip. Operations: what one
linearisation, one elimination and one energy do in the form written here, counted by hand below.
Both are lower bounds of this algorithm and not estimates of the code.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from denseba_ros.backend.problem import FRAME_DOF, Problem
from denseba_ros.benchmark.timing import measure
from denseba_ros.geometry.patch import PATTERN

_FLOAT = 4
_TRIES = 5
# Pixels, inverse depth, its prior and that one's information, and a byte of validity.
_POINT_BYTES = 5 * _FLOAT + 1
# Operations per pixel of a patch, a multiplication and an addition counting as two:
_PROJECT = 3 * 6 + 1 + 2 * 3  # X, Y, Z; one division; two coordinates
_WEIGHTS = 10  # cell, its fractions and the four weights
_CHANNEL = 7  # four products, three sums
_RESIDUAL = 12  # affine brightness, Huber's cost, sum over the patch
_INFORMATION = 5 + 2 * 14  # weighted rows; 10 of the symmetric 4x4 and 4 of the gradient
# Operations per point and pair:
_JACOBIANS = 40
_TO_PAIR = 2 * 6 * 4 * 4 + 2 * (FRAME_DOF * (FRAME_DOF + 1)) // 2 + 2 * FRAME_DOF
_TO_DEPTH = 2 * 4 * 2 + 8 + 2 * FRAME_DOF * 4
_TO_HOST = 2 * FRAME_DOF * FRAME_DOF


@dataclass(frozen=True)
class Rates:
    """What this machine reaches: ``bytes_per_second`` of a large copy (read and written bytes) and
    ``operations_per_second`` of a large float32 matrix product."""

    bytes_per_second: float
    operations_per_second: float


@dataclass(frozen=True)
class Work:
    """``bytes`` and ``operations`` (float) of a window's iterations."""

    bytes: int
    operations: int

    def floors(self, rates: Rates) -> dict[str, float]:
        """Least seconds by bytes and by operations."""
        return {
            "bytes": self.bytes / rates.bytes_per_second,
            "operations": self.operations / rates.operations_per_second,
        }


def work_of(problem: Problem, levels: tuple[int, ...]) -> Work:
    """Work of one iteration on each of ``levels``."""
    points = problem.pixels.shape[0] * problem.pixels.shape[1]
    pairs = points * (problem.keyframes - 1)
    pixels = pairs * len(PATTERN)
    unknowns = FRAME_DOF * problem.keyframes
    linearise = pixels * (_PROJECT + _WEIGHTS + 3 * _CHANNEL + _RESIDUAL + _INFORMATION)
    chain = pairs * (_JACOBIANS + _TO_PAIR + _TO_DEPTH + _TO_HOST)
    # The symmetric outer product of each point's mixed terms, and the substitution.
    eliminate = points * (unknowns * (unknowns + 1) + 2 * unknowns)
    energy = pixels * (_PROJECT + _WEIGHTS + _CHANNEL + _RESIDUAL)
    data = problem.inverse_depth_map.numel() * _FLOAT + points * (_POINT_BYTES + _FLOAT)
    total_bytes = sum(problem.images[level].numel() * _FLOAT + data for level in levels)
    return Work(total_bytes, len(levels) * (linearise + chain + eliminate + energy))


@torch.no_grad()
def measure_rates(device: torch.device, mebibytes: int = 256, size: int = 2048) -> Rates:
    """Time a copy of ``mebibytes`` and a product of ``size`` x ``size`` matrices, best of several.

    TF32 is off in torch unless asked for, so the product has the precision of the backend.
    """
    source = torch.rand(mebibytes * 2**20 // _FLOAT, device=device)
    target = torch.empty_like(source)
    copied = min(measure(lambda: target.copy_(source), device, _TRIES).seconds)
    a = torch.rand(size, size, device=device)
    product = torch.empty_like(a)
    multiplied = min(measure(lambda: torch.mm(a, a, out=product), device, _TRIES).seconds)
    return Rates(2 * source.numel() * _FLOAT / copied, 2 * size**3 / multiplied)
