"""The kernel as one pass of numba loops on the CPU."""

from __future__ import annotations

import logging
import time

import numpy as np
import torch
from torch import Tensor

from denseba_ros.backend.kernels.cpu_arrays import PairInput, PairOutput
from denseba_ros.backend.kernels.cpu_input import blank_input, pair_input
from denseba_ros.backend.kernels.cpu_loops import CHUNK, energy_pieces, linearise_pieces
from denseba_ros.backend.kernels.interface import (
    NormalEquations,
    host_chain,
    linearisation_poses,
    relative_gains,
)
from denseba_ros.backend.photometric import PatchReference
from denseba_ros.backend.problem import FRAME_DOF, Problem, Variables
from denseba_ros.parallel import parallel_for

_log = logging.getLogger(__name__)


class FusedCpuKernel:
    """Float32 in registers, float64 in the sums of frames; not differentiable.

    The result does not depend on the number of threads, which is that of torch. Making one compiles
    the loops, or loads them where an earlier process left them on disk.
    """

    def __init__(self) -> None:
        started = time.perf_counter()
        _log.info("preparing the fused backend kernel; the first time it is compiled")
        blank = blank_input()
        nothing, _ = _output(blank)
        linearise_pieces(0, 0, 1, blank, nothing)
        energy_pieces(0, 0, 1, blank, nothing.costs, nothing)
        _log.info("fused backend kernel ready after %.1f s", time.perf_counter() - started)

    def linearise(
        self, problem: Problem, reference: PatchReference, variables: Variables, level: int
    ) -> NormalEquations:
        """Normal equations of patches and corners on pyramid ``level``.

        Raises:
            ValueError: when the tensors are not float32 on the CPU.
        """
        poses = linearisation_poses(problem, variables)
        chain = host_chain(poses, relative_gains(problem, variables))
        i = pair_input(problem, reference, variables, level, chain)
        o, pieces = _output(i)
        parallel_for(linearise_pieces, pieces, pieces // len(i.hosts), i, o)
        g, k = i.gain.shape
        return NormalEquations(
            torch.from_numpy(o.H.reshape(g, -1, k, FRAME_DOF, FRAME_DOF).sum(1)),
            torch.from_numpy(o.b.reshape(g, -1, k, FRAME_DOF).sum(1)),
            chain,
            torch.from_numpy(o.H_depth),
            torch.from_numpy(o.b_depth),
            torch.from_numpy(o.H_mixed),
            torch.from_numpy(o.costs),
            torch.tensor(o.energy.sum(), dtype=torch.float64),
        )

    def energy(
        self,
        problem: Problem,
        reference: PatchReference,
        variables: Variables,
        level: int,
        costs: Tensor,
    ) -> Tensor:
        """Energy of the corners and of the patches in use, by their ``costs``.

        Raises:
            ValueError: when the tensors are not float32 on the CPU.
        """
        nothing = torch.zeros(len(problem.hosts), problem.keyframes, FRAME_DOF, FRAME_DOF)
        i = pair_input(problem, reference, variables, level, nothing)
        o, pieces = _output(i, energy_only=True)
        chunks = pieces // len(i.hosts)
        parallel_for(energy_pieces, pieces, chunks, i, costs.contiguous().numpy(), o)
        return torch.tensor(o.energy.sum(), dtype=torch.float64)


def _output(i: PairInput, energy_only: bool = False) -> tuple[PairOutput, int]:
    """Empty sums, and in how many pieces the points of all hosts are worked on."""
    g, n = (0, 0) if energy_only else i.depth.shape
    k = len(i.offset)
    pieces = len(i.hosts) * -(-i.depth.shape[1] // CHUNK)
    outputs = PairOutput(
        H=np.zeros((0 if energy_only else pieces, k, FRAME_DOF, FRAME_DOF)),
        b=np.zeros((0 if energy_only else pieces, k, FRAME_DOF)),
        H_depth=np.zeros((g, n), np.float32),
        b_depth=np.zeros((g, n), np.float32),
        H_mixed=np.zeros((g, n, k * FRAME_DOF), np.float32),
        costs=np.full((g, k, n), -1.0, np.float32),
        energy=np.zeros(pieces),
    )
    return outputs, pieces
