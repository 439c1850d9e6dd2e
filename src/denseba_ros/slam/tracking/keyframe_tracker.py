"""One keyframe as the reference of tracking: images are aligned with it, corners first."""

from __future__ import annotations

from torch import Tensor

from denseba_ros.backend.rotation_links import MeasuredTurn
from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.geometry.grey import Grey
from denseba_ros.slam.state.frame import Frame
from denseba_ros.slam.tracking.corner_tracking import CornerTracker
from denseba_ros.slam.tracking.reference import CurrentView
from denseba_ros.slam.tracking.tracker import Alignment, Tracker
from denseba_ros.slam.tracking.tracking_quality import reason_lost


class KeyframeTracker:
    """Points of one keyframe and its corners, tracked from image to image."""

    def __init__(self, tracker: Tracker, keyframe: WindowKeyframe) -> None:
        """Sample the keyframe's points once, with the settings of ``tracker``."""
        points = keyframe.points
        self.keyframe = keyframe
        self._reference = tracker.reference(points, keyframe.pyramid, keyframe.affine)
        self._corners = CornerTracker(
            tracker.camera, keyframe.grey, self._reference, points.corners
        )

    def track(
        self,
        tracker: Tracker,
        image: Frame,
        T_image_keyframe: Tensor,
        affine: Tensor,
        turn: MeasuredTurn | None = None,
    ) -> Alignment:
        """Align the next image, from the predicted pose (4, 4) and brightness (2,), and with its
        ``turn`` from the keyframe where a gyroscope measured that.

        The corners alone give the initial guess; if the alignment fails, PnP gives another, and
        the alignment with more corner inliers is returned.
        """
        corners = self._corners.track(image.grey, T_image_keyframe)
        view = CurrentView(image.pyramid, corners)
        guess = tracker.align_corners(self._reference, corners, T_image_keyframe)
        alignment = tracker.align(self._reference, view, guess, affine, turn)
        if reason_lost(alignment):
            pose = self._corners.pose_from_corners(corners)
            if pose is not None:
                retry = tracker.align(self._reference, view, pose, affine, turn)
                alignment = max(alignment, retry, key=lambda a: a.corner_inliers)
        return alignment

    def align(self, tracker: Tracker, image: Frame, T_image_keyframe: Tensor) -> Alignment:
        """Align an image from an initial ``T_image_keyframe`` (4, 4), at the keyframe's
        brightness."""
        return self.align_view(tracker, image.grey, image.pyramid, T_image_keyframe)

    def align_view(
        self, tracker: Tracker, grey: Grey, pyramid: list[Tensor], T_image_keyframe: Tensor
    ) -> Alignment:
        """As ``align``, of an image given by its ``grey`` levels and its ``pyramid``."""
        corners = self._corners.track(grey, T_image_keyframe)
        view = CurrentView(pyramid, corners)
        return tracker.align(self._reference, view, T_image_keyframe, self.keyframe.affine)
