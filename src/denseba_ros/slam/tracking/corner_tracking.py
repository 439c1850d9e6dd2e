"""Tracks the reference keyframe's corners from image to image; initial pose by PnP."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from denseba_ros.frontend.features.optical_flow import Points, track
from denseba_ros.geometry.grey import Grey
from denseba_ros.geometry.pinhole import Pinhole, project_by
from denseba_ros.slam.tracking.reference import Corners, Reference

# Below this ratio of corners tracked from the predicted pose, their last pixels are tried.
_MIN_TRACKED = 0.5
# So many of a keyframe's corners are enough for the pose of an image: twice as many took twice the
# time and gave the same error.
_TRACKED = 250
_MIN_PNP = 12
_PNP_PIXELS = 3.0


class CornerTracker:
    """Tracks the corners of one reference image into each new image."""

    def __init__(self, camera: Pinhole, grey: Grey, reference: Reference, corners: int) -> None:
        """``grey``: image of the reference, whose first ``corners`` points are corners; at most
        ``_TRACKED`` of them are tracked, from all over the image; ``camera`` of level 0."""
        self._camera = camera
        self._grey = grey
        self._reference = reference
        pixels = reference.pixels[:corners].cpu().numpy()
        self._reference_pixels: Points = np.ascontiguousarray(pixels, np.float32)
        valid = np.flatnonzero(reference.valid[:corners].cpu().numpy())
        count = min(len(valid), _TRACKED)
        self._chosen = valid[np.linspace(0, len(valid) - 1, count).round().astype(int)]
        self._pixels = self._reference_pixels.copy()
        self._last = grey

    def track(self, grey: Grey, T_predicted: Tensor) -> Corners:
        """Track the corners into ``grey``, from their projection at ``T_predicted`` (4, 4)
        T_current_reference or, where that fails, from their pixels in the last image."""
        pixels, ok = self._track_from(grey, self._project(T_predicted))
        if ok.sum() < _MIN_TRACKED * len(self._chosen):
            step, ok_step = track(self._last, grey, self._pixels)
            retry, ok_retry = self._track_from(grey, step)
            ok_retry &= ok_step
            if ok_retry.sum() > ok.sum():
                pixels, ok = retry, ok_retry
        self._pixels = np.where(ok[:, None], pixels, self._pixels)
        self._last = grey
        device = self._reference.pixels.device
        return Corners(torch.from_numpy(pixels).to(device), torch.from_numpy(ok).to(device))

    def _track_from(self, grey: Grey, guess: Points) -> tuple[Points, NDArray[np.bool_]]:
        """Flow from the reference into ``grey``, initialised at pixels ``guess`` (F, 2)."""
        pixels, ok = guess.copy(), np.zeros(len(guess), bool)
        chosen = self._chosen
        source = self._reference_pixels[chosen]
        pixels[chosen], ok[chosen] = track(self._grey, grey, source, guess[chosen])
        return pixels, ok

    def _project(self, T: Tensor) -> Points:
        """Pixels (F, 2) of the corners at ``T`` (4, 4) T_current_reference."""
        f = len(self._reference_pixels)
        depth = self._reference.inverse_depth[:f]
        p = project_by(self._camera, self._reference.rays[:f], depth, T)
        pixels = torch.where(p.in_front[:, None], p.pixels, self._reference.pixels[:f])
        limit = 2.0 * max(self._camera.width, self._camera.height)
        return np.ascontiguousarray(pixels.clamp(-limit, limit).cpu().numpy())

    def pose_from_corners(self, corners: Corners) -> Tensor | None:
        """T_current_reference (4, 4) float64 by PnP in RANSAC (OpenCV), None when it fails.

        OpenCV seeds a generator of its own on each call: the same corners give the same pose.
        """
        ok = corners.ok.cpu().numpy()
        if ok.sum() < _MIN_PNP:
            return None
        f = len(self._reference_pixels)
        rays = self._reference.rays[:f]
        X = (rays / self._reference.inverse_depth[:f, None]).cpu().numpy()[ok].astype(np.float64)
        pixels = corners.pixels.cpu().numpy()[ok].astype(np.float64)
        c = self._camera
        K = np.array([[c.fx, 0, c.cx], [0, c.fy, c.cy], [0, 0, 1.0]])
        is_solved, rotation, t, inliers = cv2.solvePnPRansac(
            X, pixels, K, None, iterationsCount=200, reprojectionError=_PNP_PIXELS
        )
        if not is_solved or inliers is None or len(inliers) < _MIN_PNP:
            return None
        T = torch.eye(4, dtype=torch.float64)
        T[:3, :3] = torch.from_numpy(cv2.Rodrigues(rotation)[0])
        T[:3, 3] = torch.from_numpy(t[:, 0])
        return T.to(self._reference.pixels.device)
