"""Similarities as float64 arrays: exponential, logarithm, adjoint and their Jacobians, batched.

A similarity is a matrix (..., 4, 4), ``[s R, t; 0, 1]``; a tangent vector (..., 7) is (translation
rho, rotation theta in radians, log of the scale). Equations: Strasdat, "Local accuracy and global
consistency for efficient visual SLAM", PhD thesis, Imperial College 2012, section 2.4; Sola, Deray,
Atchuthan, "A micro Lie theory for state estimation in robotics", 2018 (arXiv:1812.01537).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from denseba_ros.geometry.cross_product import hat_arrays

Doubles = NDArray[np.float64]

# Nodes and weights on [0, 1] that integrate exp(z u) to all digits for |z| up to 20.
_NODES, _WEIGHTS = (0.5 * x for x in np.polynomial.legendre.leggauss(16))
_NODES = _NODES + 0.5
# x / (exp(x) - 1) = 1 - x/2 + x^2 (1/12 + x^2 (-1/720 + ...)): Bernoulli's numbers B_2k / (2k)!.
_BERNOULLI = (1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000)


def exp(xi: Doubles) -> Doubles:
    """Exponential of tangent vectors (..., 7) as matrices (..., 4, 4)."""
    rho, theta, log_scale = xi[..., :3], xi[..., 3:6], xi[..., 6]
    a, b, c = _translation_terms(theta, log_scale)
    turned = np.cross(theta, rho)
    R = Rotation.from_rotvec(theta.reshape(-1, 3)).as_matrix().reshape(*theta.shape, 3)
    S = np.zeros((*xi.shape[:-1], 4, 4))
    S[..., :3, :3] = np.exp(log_scale)[..., None, None] * R
    S[..., :3, 3] = a * rho + b * turned + c * np.cross(theta, turned)
    S[..., 3, 3] = 1.0
    return S


def log(S: Doubles) -> Doubles:
    """Logarithm of matrices (..., 4, 4) as (..., 7); rotations up to pi."""
    s, t = scale(S), S[..., :3, 3]
    R = (S[..., :3, :3] / s[..., None, None]).reshape(-1, 3, 3)
    theta = Rotation.from_matrix(R).as_rotvec().reshape(t.shape)
    log_scale = np.log(s)
    # V = a + b W + c W^2 commutes with W = hat(theta), and so does its inverse, of the same form.
    a, b, c = _translation_terms(theta, log_scale)
    square = np.sum(theta * theta, axis=-1, keepdims=True)
    across = (a - c * square) ** 2 + b * b * square
    turned = np.cross(theta, t)
    twice = np.cross(theta, turned)
    rho = t / a - b / across * turned + (b * b + c * c * square - a * c) / (a * across) * twice
    return np.concatenate([rho, theta, log_scale[..., None]], axis=-1)


def _translation_terms(theta: Doubles, log_scale: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """a, b, c (..., 1) of V = a + b W + c W^2, the integral of ``exp(u (log_scale + W))`` over u
    from 0 to 1; by Gauss and Legendre, since the closed form has three places where it cancels."""
    angle = np.linalg.norm(theta, axis=-1, keepdims=True) * _NODES
    grown = np.exp(log_scale[..., None] * _NODES) * _WEIGHTS
    a = np.sum(grown, axis=-1, keepdims=True)
    # sin(angle u) / angle and (1 - cos(angle u)) / angle^2; NumPy's sinc has a factor of pi.
    b = np.sum(grown * _NODES * np.sinc(angle / np.pi), axis=-1, keepdims=True)
    half = np.sinc(0.5 * angle / np.pi)
    c = np.sum(0.5 * grown * (_NODES * half) ** 2, axis=-1, keepdims=True)
    return a, b, c


def inverse(S: Doubles) -> Doubles:
    """Inverse of similarities (..., 4, 4)."""
    out = np.zeros_like(S)
    square = scale(S)[..., None, None] ** 2
    out[..., :3, :3] = np.swapaxes(S[..., :3, :3], -1, -2) / square
    out[..., :3, 3:] = -out[..., :3, :3] @ S[..., :3, 3:]
    out[..., 3, 3] = 1.0
    return out


def scale(S: Doubles) -> Doubles:
    """Scale (...) of similarities (..., 4, 4)."""
    result: Doubles = np.sqrt(np.sum(S[..., :3, :3] ** 2, axis=(-2, -1)) / 3.0)
    return result


def rigid(S: Doubles) -> Doubles:
    """Similarities (..., 4, 4) with a scale of 1: the pose, in the unit of the left frame."""
    out = S.copy()
    out[..., :3, :3] /= scale(S)[..., None, None]
    return out


def normalised(S: Doubles) -> Doubles:
    """Nearest similarities (..., 4, 4), which takes off what rounding adds over many products."""
    U, _, Vh = np.linalg.svd(S[..., :3, :3])
    out = S.copy()
    out[..., :3, :3] = scale(S)[..., None, None] * (U @ Vh)
    return out


def apply(S: Doubles, points: Doubles) -> Doubles:
    """Points (..., N, 3) moved by similarities (..., 4, 4)."""
    moved: Doubles = points @ np.swapaxes(S[..., :3, :3], -1, -2) + S[..., None, :3, 3]
    return moved


def adjoint(S: Doubles) -> Doubles:
    """Adjoint (..., 7, 7): ``S exp(xi) S^-1 = exp(adjoint(S) xi)``."""
    R, t = S[..., :3, :3] / scale(S)[..., None, None], S[..., :3, 3]
    out = np.zeros((*S.shape[:-2], 7, 7))
    out[..., :3, :3] = S[..., :3, :3]
    out[..., :3, 3:6] = hat_arrays(t) @ R
    out[..., :3, 6] = -t
    out[..., 3:6, 3:6] = R
    out[..., 6, 6] = 1.0
    return out


def small_adjoint(xi: Doubles) -> Doubles:
    """ad(xi) (..., 7, 7) of tangent vectors (..., 7): ``adjoint(exp(xi))`` is its exponential."""
    out = np.zeros((*xi.shape[:-1], 7, 7))
    turn = hat_arrays(xi[..., 3:6])
    out[..., :3, :3] = turn + xi[..., 6, None, None] * np.eye(3)
    out[..., :3, 3:6] = hat_arrays(xi[..., :3])
    out[..., :3, 6] = -xi[..., :3]
    out[..., 3:6, 3:6] = turn
    return out


def inverse_left_jacobian(xi: Doubles) -> Doubles:
    """Jacobian (..., 7, 7) of ``log(exp(d) exp(xi))`` over d at 0; its value at ``-xi`` is that of
    ``log(exp(xi) exp(d))``.

    By the series in Bernoulli's numbers, which converges for (angle, log-scale) shorter than 2 pi:
    errors of 1e-9 at 1.4 and 1e-4 at pi.
    """
    x = small_adjoint(xi)
    square, eye = x @ x, np.eye(7)
    total = _BERNOULLI[-1] * eye
    for number in _BERNOULLI[-2::-1]:
        total = number * eye + square @ total
    result: Doubles = eye - 0.5 * x + square @ total
    return result
