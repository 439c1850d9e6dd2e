"""Normalised squared errors of the motions over a second, in metres, of what a robot gets."""

from __future__ import annotations

import numpy as np

from denseba_ros.evaluation.trajectory.alignment import Similarity, umeyama
from denseba_ros.evaluation.trajectory.nees import motion_errors, nees
from denseba_ros.evaluation.trajectory.trajectory_metrics import MatchedTrajectories
from denseba_ros.geometry.body_frame import R_BODY_OPTICAL
from denseba_ros.slam.inertial.metric_frame import MetricFrame
from denseba_ros.slam.state.estimate import Estimate
from denseba_ros.slam.state.odom_continuity import OdomContinuity


def in_metres(estimates: list[Estimate]) -> list[Estimate]:
    """As the nodes publish them since the odometry frame in metres began, in odom."""
    frame, continuity = MetricFrame(), OdomContinuity()
    published = []
    for estimate in estimates:
        carried, begins = frame.carry(estimate, R_BODY_OPTICAL)
        if begins:
            continuity.reset()
        in_odom = continuity.update(carried)
        if frame.is_begun:
            published.append(in_odom)
    return published


def motion_nees(
    published: list[Estimate], true: dict[int, np.ndarray], step: int
) -> tuple[np.ndarray, np.ndarray]:
    """Of positions and of rotations (M,) after ``step`` images each; 3 is right. Only between
    measured images; ``true`` T_world_camera (4, 4) by stamp."""
    stamps = np.array([e.stamp_ns for e in published], dtype=np.int64)
    first = np.arange(0, len(published) - step, step)
    is_measured = np.array([e.is_measured for e in published], dtype=bool)
    first = first[is_measured[first] & is_measured[first + step]] if len(first) else first
    if len(first) == 0:
        return np.zeros(0), np.zeros(0)
    matched = MatchedTrajectories(
        stamps,
        np.stack([e.T_world_camera for e in published]),
        np.stack([true[stamp] for stamp in stamps.tolist()]),
        np.arange(len(stamps)),
        Similarity(1.0, np.eye(3), np.zeros(3)),
    )
    own = [e.covariance - e.metric_scale.covariance(e.T_world_camera[:3, 3]) for e in published]
    scale = np.array([e.metric_scale.deviation for e in published])
    motions = motion_errors(matched, np.stack(own), first, first + step, scale)
    usable = np.linalg.eigvalsh(motions.grown)[:, 0] > 0.0
    errors, grown = motions.errors[usable], motions.grown[usable]
    return nees(errors[:, :3], grown[:, :3, :3]), nees(errors[:, 3:], grown[:, 3:, 3:])


def stretch_scales(
    published: list[Estimate], true: dict[int, np.ndarray], step: int
) -> tuple[np.ndarray, np.ndarray]:
    """Log errors (M,) of the scale of the path over each stretch of ``step`` measured images, and
    the deviation (M,) that is stated at its end. The unit of the map has no part in it."""
    measured = [e for e in published if e.is_measured]
    errors, sigmas = [], []
    for start in range(0, len(measured) - step, step):
        stretch = measured[start : start + step]
        seen = np.stack([e.T_world_camera[:3, 3] for e in stretch])
        real = np.stack([true[e.stamp_ns][:3, 3] for e in stretch])
        errors.append(-np.log(umeyama(seen, real).scale))
        sigmas.append(stretch[-1].metric_scale.sigma)
    return np.array(errors), np.array(sigmas)


def tilts(published: list[Estimate], true: dict[int, np.ndarray]) -> np.ndarray:
    """Degrees (N,) by which up of odom is off."""
    up = R_BODY_OPTICAL[2]  # z of the body along the first camera's axes, which odom has
    seen = np.stack([e.T_world_camera[:3, :3].T @ up for e in published])
    real = np.stack([true[e.stamp_ns][2, :3] for e in published])
    return np.degrees(np.arccos(np.clip(np.sum(seen * real, axis=1), -1.0, 1.0)))
