"""The usual depth errors (Eigen et al., "Depth map prediction", NeurIPS 2014)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class DepthErrors:
    """Errors over ``count`` pixels: relative ones without unit, ``rmse_m`` in metres, ``delta1``,
    ``delta2``, ``delta3`` the ratio (0-1) of pixels within a factor of 1.25, 1.25^2, 1.25^3."""

    count: int
    abs_rel: float
    median_rel: float
    rmse_m: float
    delta1: float
    delta2: float
    delta3: float


def depth_errors(estimate: np.ndarray, truth: np.ndarray, scale: float = 1.0) -> DepthErrors:
    """Compare ``scale`` * estimate (N,) with truth (N,), metres, all positive and finite.

    Raises:
        ValueError: when there is no pixel to compare.
    """
    if len(truth) == 0:
        raise ValueError("no pixels to compare")
    scaled = estimate * scale
    relative = np.abs(scaled - truth) / truth
    ratio = np.maximum(scaled / truth, truth / scaled)
    return DepthErrors(
        count=len(truth),
        abs_rel=float(relative.mean()),
        median_rel=float(np.median(relative)),
        rmse_m=float(np.sqrt(np.mean((scaled - truth) ** 2))),
        delta1=float((ratio < 1.25).mean()),
        delta2=float((ratio < 1.25**2).mean()),
        delta3=float((ratio < 1.25**3).mean()),
    )


def median_scale(estimate: np.ndarray, truth: np.ndarray) -> float:
    """Ratio of the medians of truth and estimate (N,): the usual median scaling.

    In a view with two distinct depths, a few pixels at their border can change a median much; see
    ``median_ratio``.
    """
    return float(np.median(truth) / np.median(estimate))


def median_ratio(estimate: np.ndarray, truth: np.ndarray) -> float:
    """Median over pixels (N,) of truth / estimate, which is robust to border pixels."""
    return float(np.median(truth / estimate))


def mean_errors(frames: list[DepthErrors]) -> dict[str, float]:
    """Mean over frames of each error, with the total number of pixels and frames."""
    names = ("abs_rel", "median_rel", "rmse_m", "delta1", "delta2", "delta3")
    means = {name: float(np.mean([getattr(f, name) for f in frames])) for name in names}
    return {"frames": len(frames), "pixels": sum(f.count for f in frames), **means}
