"""Evaluation of a pose model against constant velocity: the motion between consecutive images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from tqdm import tqdm

from denseba_ros.errors import SequenceError
from denseba_ros.frontend.frame import Motion
from denseba_ros.frontend.pose.pose_model import PoseModel
from denseba_ros.training.streaming.image_reader import ImageReader
from denseba_ros.training.streaming.trajectory_stream import ImageTrajectory

Matrix = NDArray[np.float64]

_MIN_PAIRS = 3
# Below this length (metres) a translation has no direction.
_STILL = 1e-3


def evaluate_pose(
    model: PoseModel, trajectories: Sequence[ImageTrajectory], reader: ImageReader
) -> dict[str, float]:
    """Means over all pairs of images that have two pairs before them; degrees and metres.

    ``rotation``: error of the model's rotation between two images; ``constant_velocity``: of the
    rotation between the two images before; ``still``: of the identity, that is the rotation itself.
    ``translation``, ``translation_constant_velocity`` and ``translation_still`` likewise;
    ``direction``: angle between the true and the predicted translation, if there is one.
    ``rotation_nees`` and ``translation_nees``: normalised estimation error squared, 3 if consistent
    (ground truth assumed exact).

    Raises:
        SequenceError: when no trajectory is long enough.
        ImageError: on an image that cannot be read.
    """
    pairs: list[dict[str, float]] = []
    for trajectory in trajectories:
        model.reset()
        poses = trajectory.T_world_camera
        truth = np.linalg.inv(poses[:-1]) @ poses[1:]
        motions = _predicted(model, trajectory, reader)
        for k in range(_MIN_PAIRS - 1, len(truth)):
            pairs.append(_errors(motions[k], truth[k - 1], truth[k]))
    if not pairs:
        raise SequenceError("no trajectory is long enough to evaluate a pose model on")
    names = dict.fromkeys(name for pair in pairs for name in pair)
    means = {name: float(np.mean([p[name] for p in pairs if name in p])) for name in names}
    return {"pairs": len(pairs), **means}


def _predicted(
    model: PoseModel, trajectory: ImageTrajectory, reader: ImageReader
) -> list[Motion | None]:
    """The model's motion of each pair, None without a prediction."""
    motions: list[Motion | None] = []
    for k, location in enumerate(tqdm(trajectory.locations, leave=False, disable=None)):
        grey = reader.read(location)
        camera = trajectory.camera.resized(grey.shape[1], grey.shape[0])
        motion = model.step(torch.from_numpy(grey).float()[None, None], camera)
        if k > 0:
            motions.append(motion)
    return motions


def _errors(motion: Motion | None, before: Matrix, truth: Matrix) -> dict[str, float]:
    """Errors of one pair; without a prediction those of the identity, without NEES."""
    predicted = np.eye(4) if motion is None else motion.T_previous_current.numpy()
    rotation, translation = _rotation_error(predicted, truth), predicted[:3, 3] - truth[:3, 3]
    errors = {
        "rotation": _degrees(rotation),
        "constant_velocity": _degrees(_rotation_error(before, truth)),
        "still": _degrees(_rotation_error(np.eye(4), truth)),
        "translation": float(np.linalg.norm(translation)),
        "translation_constant_velocity": float(np.linalg.norm(before[:3, 3] - truth[:3, 3])),
        "translation_still": float(np.linalg.norm(truth[:3, 3])),
    }
    if errors["translation_still"] > _STILL and motion is not None:
        errors["direction"] = _angle(predicted[:3, 3], truth[:3, 3])
    if motion is not None:
        covariance = motion.covariance.numpy()
        errors["rotation_nees"] = _nees(rotation, covariance[3:, 3:])
        errors["translation_nees"] = _nees(translation, covariance[:3, :3])
    return errors


def _nees(error: Matrix, covariance: Matrix) -> float:
    """Normalised estimation error squared of one error (3,) with covariance (3, 3)."""
    return float(error @ np.linalg.solve(covariance, error))


def _rotation_error(T: Matrix, truth: Matrix) -> Matrix:
    """Rotation vector (3,), radians, of the error of T (4, 4)."""
    vector: Matrix = Rotation.from_matrix(truth[:3, :3].T @ T[:3, :3]).as_rotvec()
    return vector


def _degrees(vector: Matrix) -> float:
    return float(np.degrees(np.linalg.norm(vector)))


def _angle(predicted: Matrix, truth: Matrix) -> float:
    """Angle between two vectors (3,), degrees; 90 if the first is zero."""
    across, along = np.linalg.norm(np.cross(predicted, truth)), predicted @ truth
    return float(np.degrees(np.arctan2(across, along))) if np.any(predicted) else 90.0
