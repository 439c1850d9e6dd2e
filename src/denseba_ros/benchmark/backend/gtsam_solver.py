"""Levenberg-Marquardt of GTSAM on the backend's energy, one custom factor per patch and pair."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gtsam
import numpy as np
from gtsam.symbol_shorthand import A, D, X

from denseba_ros.backend.kernels.torch_kernel import TORCH_KERNEL
from denseba_ros.backend.photometric import PatchReference, patch_reference
from denseba_ros.backend.problem import FRAME_DOF, Problem, Variables
from denseba_ros.benchmark.backend.gtsam_factors import Array, Patch
from denseba_ros.geometry import se3
from denseba_ros.geometry.cross_product import hat_array

# GTSAM's tangent vectors are (rotation, translation).
_ORDER = [3, 4, 5, 0, 1, 2]


def minimise_with_gtsam(
    problem: Problem,
    start: Variables,
    level: int,
    enough: Callable[[float], bool],
    steps: int = 100,
) -> None:
    """Up to ``steps`` of LM; ``enough`` sees the energy after each and ends it when true."""
    graph, values = make_graph(problem, start, level), make_values(start)
    optimiser = gtsam.LevenbergMarquardtOptimizer(graph, values, gtsam.LevenbergMarquardtParams())
    for _ in range(steps):
        optimiser.iterate()
        if enough(float(optimiser.error())):
            return


def make_values(start: Variables) -> Any:
    """Poses T_world_camera, brightness and inverse depths under the keys X, A and D."""
    values = gtsam.Values()
    for i, T in enumerate(se3.inverse(start.T).cpu().numpy()):
        values.insert(X(i), gtsam.Pose3(T))
        values.insert(A(i), start.affine[i].cpu().numpy())
    for i, depth in enumerate(start.inverse_depth.reshape(-1).cpu().numpy().astype(float)):
        values.insert(D(i), np.array([depth]))
    return values


def make_graph(problem: Problem, start: Variables, level: int) -> Any:
    """Patches that count at ``start``, the depths' prior and the gauge."""
    reference = patch_reference(problem, level)
    costs = TORCH_KERNEL.linearise(problem, reference, start, level).costs
    graph = gtsam.NonlinearFactorGraph()
    points = problem.pixels.shape[1]
    unit = gtsam.noiseModel.Unit.Create(reference.brightness.shape[-1])
    for host, target, point in (costs >= 0).nonzero().tolist():
        cost = float(costs[host, target, point])
        patch = _patch(problem, reference, level, (host, target, point), cost)
        keys = [X(host), X(target), A(host), A(target), D(host * points + point)]
        graph.add(gtsam.CustomFactor(unit, keys, _error_of(patch, keys)))
    _add_priors(graph, problem)
    return graph


def _patch(
    problem: Problem,
    reference: PatchReference,
    level: int,
    place: tuple[int, int, int],
    cost: float,
) -> Patch:
    host, target, point = place
    camera = problem.camera.level(level)
    return Patch(
        camera.rays(reference.pixels[host, point]).double().cpu().numpy(),
        reference.brightness[host, point].double().cpu().numpy(),
        reference.weight[host, point].double().cpu().numpy(),
        problem.images[level][target].cpu().numpy(),
        problem.inverse_depth_map[target].cpu().numpy(),
        2.0 ** (level - problem.grid_level),
        camera,
        problem.noise,
        cost,
    )


def _error_of(patch: Patch, keys: list[int]) -> Callable[[Any, Any, list[Array] | None], Array]:
    def error(_: Any, values: Any, jacobians: list[Array] | None) -> Array:
        host, target = values.atPose3(keys[0]), values.atPose3(keys[1])
        T = target.between(host).matrix()
        a, b = values.atVector(keys[2]), values.atVector(keys[3])
        residual, J = patch.residual(T, a, b, float(values.atVector(keys[4])[0]))
        if jacobians is not None:
            _fill(jacobians, J, T, len(residual))
        return residual

    return error


def _fill(jacobians: list[Array], J: list[Array] | None, T: Array, rows: int) -> None:
    """By GTSAM's perturbations, which are on the right of T_world_camera."""
    if J is None:
        for place, columns in enumerate((6, 6, 2, 2, 1)):
            jacobians[place] = np.zeros((rows, columns), order="F")
        return
    by_pose, by_host, by_target, by_depth = J
    jacobians[0] = np.asfortranarray((by_pose @ _adjoint(T))[:, _ORDER])
    jacobians[1] = np.asfortranarray(-by_pose[:, _ORDER])
    jacobians[2] = np.asfortranarray(by_host)
    jacobians[3] = np.asfortranarray(by_target)
    jacobians[4] = np.asfortranarray(by_depth)


def _adjoint(T: Array) -> Array:
    """(6, 6) for (translation, rotation), as ``se3.adjoint``."""
    out = np.zeros((6, 6))
    out[:3, :3] = out[3:, 3:] = T[:3, :3]
    out[:3, 3:] = hat_array(T[:3, 3]) @ T[:3, :3]
    return out


def _add_priors(graph: Any, problem: Problem) -> None:
    sigmas = problem.prior_information.reshape(-1).double().rsqrt().cpu().numpy()
    depths = problem.prior_depth.reshape(-1).double().cpu().numpy()
    for i, (depth, sigma) in enumerate(zip(depths, sigmas, strict=True)):
        noise = gtsam.noiseModel.Isotropic.Sigma(1, sigma)
        graph.add(gtsam.PriorFactorVector(D(i), np.array([depth]), noise))
    prior = problem.pose_prior
    T = se3.inverse(prior.T).cpu().numpy()
    for i, information in enumerate(prior.H.diagonal().reshape(-1, FRAME_DOF).cpu().numpy()):
        if not information.any():
            continue
        held = 1.0 / np.sqrt(information)
        pose = gtsam.noiseModel.Diagonal.Sigmas(held[:6][_ORDER])
        graph.add(gtsam.PriorFactorPose3(X(i), gtsam.Pose3(T[i]), pose))
        affine = gtsam.noiseModel.Diagonal.Sigmas(held[6:])
        graph.add(gtsam.PriorFactorVector(A(i), prior.affine[i].cpu().numpy(), affine))
