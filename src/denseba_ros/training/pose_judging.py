"""How well a pose model predicts the rotation to the next image, beside the last velocity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from tqdm import tqdm

from denseba_ros.errors import SequenceError
from denseba_ros.frontend.pose_model import PoseModel
from denseba_ros.training.image_reader import ImageReader
from denseba_ros.training.trajectory_stream import ImageTrajectory

_MIN_PAIRS = 3


def judge_pose(
    model: PoseModel, trajectories: Sequence[ImageTrajectory], reader: ImageReader
) -> dict[str, float]:
    """Means over all pairs of images that have two pairs before them, in degrees.

    ``rotation``: error of the model's rotation between two images; ``constant_velocity``: of the
    rotation between the two images before; ``still``: of none, which is the rotation itself.

    Raises:
        SequenceError: when no trajectory is long enough.
        ImageError: on an image that cannot be read.
    """
    errors: dict[str, list[float]] = {"rotation": [], "constant_velocity": [], "still": []}
    for trajectory in trajectories:
        model.reset()
        poses = trajectory.T_world_camera
        truth = np.linalg.inv(poses[:-1]) @ poses[1:]
        said = _said(model, trajectory, reader)
        for k in range(_MIN_PAIRS - 1, len(truth)):
            errors["rotation"].append(_degrees(said[k], truth[k]))
            errors["constant_velocity"].append(_degrees(truth[k - 1], truth[k]))
            errors["still"].append(_degrees(np.eye(4), truth[k]))
    if not errors["rotation"]:
        raise SequenceError("no trajectory is long enough to judge a pose model on")
    means = {name: float(np.mean(values)) for name, values in errors.items()}
    return {"pairs": len(errors["rotation"]), **means}


def _said(model: PoseModel, trajectory: ImageTrajectory, reader: ImageReader) -> list[np.ndarray]:
    """T_previous_current (4, 4) of each pair; none where the model has no opinion."""
    said = []
    for k, location in enumerate(tqdm(trajectory.locations, leave=False, disable=None)):
        grey = reader.read(location)
        camera = trajectory.camera.resized(grey.shape[1], grey.shape[0])
        motion = model.step(torch.from_numpy(grey).float()[None, None], camera)
        if k > 0:
            said.append(np.eye(4) if motion is None else motion.T_previous_current.numpy())
    return said


def _degrees(T: np.ndarray, truth: np.ndarray) -> float:
    return float(np.degrees(Rotation.from_matrix(truth[:3, :3].T @ T[:3, :3]).magnitude()))
