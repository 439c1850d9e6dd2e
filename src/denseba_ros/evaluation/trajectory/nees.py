"""Consistency of the published covariance: normalised estimation error squared (NEES) of motions.

The absolute pose of an odometry drifts without bound, so the motion over one second is evaluated.
Its covariance follows from the two absolute ones under one assumption, which the report states:
errors grow by independent increments, x_j = Phi x_i + w, so Cov(w) = P_j - Phi P_i Phi^T. A
consistent estimator has a mean NEES of 6 (3 for translation or rotation alone); a larger one is
overconfident (Bar-Shalom, Li, Kirubarajan, "Estimation with applications to tracking and
navigation", 2001, section 5.4). Where P_j - Phi P_i Phi^T is not positive definite, the sum P_j +
Phi P_i Phi^T of two independent poses is used. As errors of neighbouring poses are positively
correlated, it is too large, so a mean above 6 even there proves overconfidence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation
from scipy.stats import chi2

from denseba_ros.evaluation.trajectory.association import NANOSECONDS, pairs_after
from denseba_ros.evaluation.trajectory.trajectory_metrics import MatchedTrajectories, relative_poses

ASSUMPTION = (
    "errors grow by independent increments; the trajectory's one Sim(3) scale is applied to the "
    "ground truth, but for `metric`, which counts the error of the scale and its stated deviation; "
    "errors of the ground truth itself are counted as ours"
)


@dataclass(frozen=True)
class StatedScale:
    """What the metric scale has in the covariances of N poses: the square of ``errors`` (N, 3) in
    that of the position, and the relative deviation ``deviations`` (N,) that it comes from."""

    errors: np.ndarray
    deviations: np.ndarray

    def taken_off(self, covariances: np.ndarray) -> np.ndarray:
        """Covariances (N, 6, 6) of the same poses up to scale."""
        up_to_scale = covariances.copy()
        up_to_scale[:, :3, :3] -= self.errors[:, :, None] * self.errors[:, None, :]
        return up_to_scale


@dataclass(frozen=True)
class MotionErrors:
    """``errors`` (M, 6) (translation, rotation) along odometry axes.

    ``grown`` (M, 6, 6) is their covariance by independent increments, ``independent`` (M, 6, 6)
    that of two poses with independent errors.
    """

    errors: np.ndarray
    grown: np.ndarray
    independent: np.ndarray


def motion_errors(
    matched: MatchedTrajectories,
    covariances: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    scale_deviations: np.ndarray | None = None,
) -> MotionErrors:
    """Errors of the motions from poses ``first`` to ``second`` (indices (M,)), in odometry units,
    with their covariance.

    ``covariances`` (N, 6, 6) are of the matched poses, as ``Estimate.covariance`` defines them, but
    up to scale. ``scale_deviations`` (N,): judge the motions in metres, with this relative
    deviation of their length.
    """
    true = relative_poses(matched.groundtruth, first, second)
    estimated = relative_poses(matched.estimate, first, second)
    R = matched.estimate[first, :3, :3]
    scale = matched.alignment.scale if scale_deviations is None else 1.0
    translation = true[:, :3, 3] / scale - estimated[:, :3, 3]
    rotation = true[:, :3, :3] @ estimated[:, :3, :3].transpose(0, 2, 1)
    vectors = Rotation.from_matrix(rotation).as_rotvec() if len(R) else np.zeros((0, 3))
    errors = np.concatenate([np.einsum("nij,nj->ni", R, v) for v in (translation, vectors)], axis=1)
    transport = np.tile(np.eye(6), (len(first), 1, 1))
    transport[:, :3, 3:] = -_cross(matched.estimate[second, :3, 3] - matched.estimate[first, :3, 3])
    earlier = transport @ covariances[first] @ transport.transpose(0, 2, 1)
    later = covariances[second]
    added = np.zeros_like(later)
    if scale_deviations is not None:
        moved = matched.estimate[second, :3, 3] - matched.estimate[first, :3, 3]
        moved = scale_deviations[second, None] * moved
        added[:, :3, :3] = moved[:, :, None] * moved[:, None, :]
    return MotionErrors(errors, later - earlier + added, later + earlier + added)


def nees_report(
    matched: MatchedTrajectories,
    covariances: np.ndarray,
    delay_ns: int = NANOSECONDS,
    stated: StatedScale | None = None,
) -> dict[str, object]:
    """Mean NEES over non-overlapping motions of ``delay_ns``, with its 95 % interval, up to scale
    and, where ``stated`` says what the metric scale has in the covariances, in metres.

    ``covariances`` (N, 6, 6) are of the matched poses, as ``Estimate.covariance`` defines them.
    """
    first, second = _without_overlap(*pairs_after(matched.stamps_ns, delay_ns))
    up_to_scale = covariances if stated is None else stated.taken_off(covariances)
    report = {
        "assumption": ASSUMPTION,
        "seconds": delay_ns / NANOSECONDS,
        **_motions_report(motion_errors(matched, up_to_scale, first, second)),
    }
    if stated is not None:
        metric = motion_errors(matched, up_to_scale, first, second, stated.deviations)
        report["metric"] = {
            **_motions_report(metric),
            "metres_per_unit": matched.alignment.scale,
            "stated_deviation": float(np.median(stated.deviations)),
        }
    return report


def _motions_report(motions: MotionErrors) -> dict[str, object]:
    usable, bounded = _positive_definite(motions.grown), _positive_definite(motions.independent)
    errors, grown = motions.errors[usable], motions.grown[usable]
    return {
        "motions": len(errors),
        "motions_left_out_covariance_did_not_grow": int((~usable).sum()),
        "pose": _summary(nees(errors, grown), 6),
        "translation": _summary(nees(errors[:, :3], grown[:, :3, :3]), 3),
        "rotation": _summary(nees(errors[:, 3:], grown[:, 3:, 3:]), 3),
        "pose_lower_bound": _summary(
            nees(motions.errors[bounded], motions.independent[bounded]), 6
        ),
    }


def nees(errors: np.ndarray, covariances: np.ndarray) -> np.ndarray:
    """e^T P^-1 e (M,) for errors (M, d) and positive definite covariances (M, d, d)."""
    solved = np.linalg.solve(covariances, errors[..., None])[..., 0]
    return np.asarray(np.einsum("mi,mi->m", errors, solved))


def _summary(values: np.ndarray, degrees: int) -> dict[str, object]:
    if len(values) == 0:
        return {"expected_mean": degrees, "mean": None}
    low, high = chi2.ppf([0.025, 0.975], degrees * len(values)) / len(values)
    inside = values <= chi2.ppf(0.95, degrees)
    return {
        "expected_mean": degrees,
        "mean": float(values.mean()),
        "mean_expected_95_percent": [float(low), float(high)],
        "median": float(np.median(values)),
        "expected_median": float(chi2.ppf(0.5, degrees)),
        "share_inside_95_percent": float(inside.mean()),
    }


def _without_overlap(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    chosen: list[int] = []
    for k in range(len(first)):
        if not chosen or first[k] >= second[chosen[-1]]:
            chosen.append(k)
    return first[chosen], second[chosen]


def _positive_definite(matrices: np.ndarray) -> np.ndarray:
    # units differ between translation and rotation, so the correlation matrix is tested
    deviations = np.sqrt(np.maximum(np.diagonal(matrices, axis1=1, axis2=2), 0.0))
    good = np.isfinite(matrices).all(axis=(1, 2)) & (deviations > 0).all(axis=1)
    scale = np.where(good[:, None], deviations, 1.0)
    normalised = np.where(good[:, None, None], matrices, np.eye(6)) / (
        scale[:, :, None] * scale[:, None, :]
    )
    return np.asarray(good & (np.linalg.eigvalsh(normalised)[:, 0] > 1e-9))


def _cross(vectors: np.ndarray) -> np.ndarray:
    matrices = np.zeros((len(vectors), 3, 3))
    matrices[:, 0, 1], matrices[:, 0, 2] = -vectors[:, 2], vectors[:, 1]
    matrices[:, 1, 0], matrices[:, 1, 2] = vectors[:, 2], -vectors[:, 0]
    matrices[:, 2, 0], matrices[:, 2, 1] = -vectors[:, 1], vectors[:, 0]
    return matrices
