"""Bundle adjustment as a differentiable layer: where the optimum moves when its data change.

At the optimum the gradient of the energy vanishes, and the implicit function theorem turns that
into derivatives (``denseba_ros.solvers.implicit``), whatever iterations led there; the iterations
themselves are not traced.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from denseba_ros.backend.kernels.interface import PairKernel
from denseba_ros.backend.kernels.torch_kernel import TORCH_KERNEL
from denseba_ros.backend.photometric import patch_reference
from denseba_ros.backend.problem import FRAME_DOF, Problem, Variables
from denseba_ros.backend.solver.bundle_adjustment import adjust
from denseba_ros.backend.solver.normal_equations import linearise
from denseba_ros.solvers.implicit import implicit_solve


def differentiable_bundle_adjustment(
    problem: Problem,
    initial: Variables,
    level: int,
    iterations: int = 20,
    damping: float = 1e-4,
    kernel: PairKernel = TORCH_KERNEL,
) -> Variables:
    """Adjust a window, with gradients from its optimum to its data.

    Gradients reach ``prior_depth``, ``prior_information`` and the images of ``level`` of the
    problem, those of them that require one. For instance, to train what predicts the depths by the
    poses that bundle adjustment makes of them::

        from dataclasses import replace
        from denseba_ros.backend import differentiable_bundle_adjustment

        problem, initial = window.problem({1}), window.variables()
        problem = replace(problem, prior_depth=predicted)  # (G, N), requires a gradient
        optimum = differentiable_bundle_adjustment(problem, initial, level=1)
        loss = (optimum.T[:, :3, 3] - true_T[:, :3, 3]).square().sum()
        loss.backward()  # reaches ``predicted``

    Args:
        problem: the window, with images of ``level``; float64 throughout gives exact gradients,
            float32 approximate ones.
        initial: initial values of the variables.
        level: pyramid level, 0 the finest.
        iterations: Gauss-Newton iterations, enough for the variables to converge: at any other
            point than the optimum the gradient means nothing.
        damping: Levenberg-Marquardt damping relative to the diagonal; it does not move the optimum.
        kernel: linearises all pairs; must be differentiable.

    Returns:
        The optimum, connected to the data. The Jacobian is dense over all 8K + G N unknowns, which
        suits windows of a few hundred of them; where it is singular the gradient is zero.
    """
    with torch.no_grad():
        result = adjust(problem, initial, (level,) * iterations, damping, kernel)
    return differentiable_optimum(problem, result.variables, level, kernel)


def differentiable_optimum(
    problem: Problem, optimum: Variables, level: int, kernel: PairKernel = TORCH_KERNEL
) -> Variables:
    """``differentiable_bundle_adjustment`` of variables that have converged already.

    Returns ``optimum`` unchanged but connected to the data of ``problem``.
    """
    frames = optimum.T.shape[0]
    border = FRAME_DOF * frames

    def retracted(step: Tensor) -> Variables:
        depths = step[border:].reshape(optimum.inverse_depth.shape)
        depths = depths.to(optimum.inverse_depth.dtype)
        return optimum.retracted(step[:border].reshape(frames, FRAME_DOF), depths)

    def stationarity(prior: Tensor, information: Tensor, image: Tensor, step: Tensor) -> Tensor:
        changed = replace(
            problem,
            prior_depth=prior[0],
            prior_information=information[0],
            images={**problem.images, level: image[0]},
        )
        reference = patch_reference(changed, level)
        system = linearise(changed, reference, retracted(step[0]), level, kernel)
        return torch.cat([system.b, system.b_depth.reshape(-1).double()])[None]

    data = (problem.prior_depth, problem.prior_information, problem.images[level])
    still = optimum.T.new_zeros(1, border + optimum.inverse_depth.numel())
    step = implicit_solve(stationarity, tuple(d[None] for d in data), still)
    return retracted(step[0])
