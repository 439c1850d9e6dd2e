"""Gradients through the bundle adjustment: where the optimum moves when its data change.

At the optimum the gradient of the energy vanishes, and the implicit function theorem turns that
into derivatives, whatever iterations led there; the iterations themselves are not traced.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from denseba_ros.backend.kernels.interface import PairKernel
from denseba_ros.backend.kernels.torch_kernel import TORCH_KERNEL
from denseba_ros.backend.photometric import patch_reference
from denseba_ros.backend.problem import FRAME_DOF, Problem, Variables
from denseba_ros.backend.solver.normal_equations import linearise
from denseba_ros.solvers.implicit import implicit_solve


def differentiable_optimum(
    problem: Problem, optimum: Variables, level: int, kernel: PairKernel = TORCH_KERNEL
) -> Variables:
    """The same variables, connected to the data of the problem that require a gradient.

    Those may be ``prior_depth``, ``prior_information`` and the images of ``level``. The variables
    must be adjusted until they stand still: at any other place the gradient means nothing. The
    Jacobian is dense over all 8K + G N unknowns, which suits windows of a few hundred of them;
    where it is singular the gradient is zero. ``kernel`` must be differentiable.
    """
    frames = optimum.T.shape[0]
    border = FRAME_DOF * frames

    def moved(step: Tensor) -> Variables:
        depths = step[border:].reshape(optimum.inverse_depth.shape)
        depths = depths.to(optimum.inverse_depth.dtype)
        return optimum.moved(step[:border].reshape(frames, FRAME_DOF), depths)

    def stationarity(prior: Tensor, information: Tensor, image: Tensor, step: Tensor) -> Tensor:
        changed = replace(
            problem,
            prior_depth=prior[0],
            prior_information=information[0],
            images={**problem.images, level: image[0]},
        )
        reference = patch_reference(changed, level)
        system = linearise(changed, reference, moved(step[0]), level, kernel)
        return torch.cat([system.b, system.b_depth.reshape(-1).double()])[None]

    data = (problem.prior_depth, problem.prior_information, problem.images[level])
    still = optimum.T.new_zeros(1, border + optimum.inverse_depth.numel())
    step = implicit_solve(stationarity, tuple(d[None] for d in data), still)
    return moved(step[0])
