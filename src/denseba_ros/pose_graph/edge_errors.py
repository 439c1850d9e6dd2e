"""Errors of the edges and their derivatives over steps of the poses.

A step of a pose acts in the camera's own axes and unit, ``S <- S exp(step)``: the equations are
then as well conditioned far from the map's origin, or where the scale has drifted, as near it.
"""

from __future__ import annotations

import numpy as np

from denseba_ros.geometry import sim3
from denseba_ros.pose_graph.graph import Doubles
from denseba_ros.pose_graph.graph_arrays import GraphArrays


def edge_errors(arrays: GraphArrays, poses: Doubles) -> Doubles:
    """``log(S_measured inv(S_estimated))`` (E, 7) at ``poses`` (V, 4, 4)."""
    estimated = sim3.inverse(poses[arrays.second]) @ poses[arrays.first]
    return sim3.log(arrays.measured @ estimated)


def whitened(arrays: GraphArrays, errors: Doubles) -> Doubles:
    """Errors (E, 7) divided by their deviation: their squared norm is the squared Mahalanobis
    distance."""
    result: Doubles = np.einsum("eij,ej->ei", arrays.whitening, errors)
    return result


def edge_jacobians(arrays: GraphArrays, errors: Doubles) -> tuple[Doubles, Doubles]:
    """Derivatives (E, 7, 7) of the whitened errors over a step of the first and of the second pose.

    With Z measured, A and B the poses: ``Z B^-1 A exp(a) = exp(e) exp(a)`` and
    ``Z exp(-b) B^-1 A = exp(-Ad(Z) b) exp(e)``.
    """
    left = sim3.inverse_left_jacobian(errors)
    # The two inverse Jacobians differ in the sign of one term of their series.
    right = left + sim3.small_adjoint(errors)
    second = -left @ sim3.adjoint(arrays.measured)
    return arrays.whitening @ right, arrays.whitening @ second
