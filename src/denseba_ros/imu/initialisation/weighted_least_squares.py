"""Linear least squares with a full covariance of the residuals and a prior of the unknowns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular


@dataclass(frozen=True)
class Solution:
    """``x`` (n,), its ``covariance`` (n, n), and ``chi_square`` of residuals and prior at x."""

    x: np.ndarray
    covariance: np.ndarray
    chi_square: float


def weighted_least_squares(
    A: np.ndarray, b: np.ndarray, noise: np.ndarray, prior: np.ndarray, mean: np.ndarray
) -> Solution:
    """Minimise ``(A x - b)' noise^-1 (A x - b) + (x - mean)' diag(prior) (x - mean)``.

    ``A`` (m, n), ``b`` (m,), ``noise`` (m, m) covariance, ``prior`` (n,) information and ``mean``
    (n,).

    Raises:
        LinAlgError: where the noise is not positive definite.
    """
    L = np.linalg.cholesky(noise)
    white_A, white_b = (solve_triangular(L, x, lower=True) for x in (A, b))
    H = white_A.T @ white_A + np.diag(prior)
    scale = 1.0 / np.sqrt(np.maximum(np.diag(H), 1e-30))
    factor = cho_factor(H * np.outer(scale, scale) + 1e-14 * np.eye(len(H)))
    x = scale * cho_solve(factor, scale * (white_A.T @ white_b + prior * mean))
    covariance = cho_solve(factor, np.diag(scale)) * scale[:, None]
    rest = white_A @ x - white_b
    chi_square = float(rest @ rest + prior @ (x - mean) ** 2)
    return Solution(x, covariance, chi_square)
