"""The little of tf2 that a node needs: chains of the newest transforms. tf2_ros has no wheel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from tf2_msgs.msg import TFMessage

from denseba_ros.errors import CalibrationError, DensebaError
from denseba_ros.geometry import pose_step
from denseba_ros.nodes.conversions.frame_names import frame_name
from denseba_ros.nodes.conversions.poses import transform_from_msg


class TfBuffer:
    """The newest ``T_parent_child`` of every frame."""

    def __init__(self) -> None:
        self._edges: dict[str, tuple[str, np.ndarray]] = {}

    def set(self, parent: str, child: str, T_parent_child: np.ndarray) -> None:
        """Remember the pose (4, 4) of ``child`` in ``parent``; a later one replaces it."""
        self._edges[frame_name(child)] = (frame_name(parent), T_parent_child)

    def take(self, message: TFMessage, on_bad: Callable[[str], object]) -> None:
        """Remember all transforms of a message; ``on_bad`` gets a text for each that is none."""
        for transform in message.transforms:
            parent, child = transform.header.frame_id, transform.child_frame_id
            try:
                self.set(parent, child, transform_from_msg(transform.transform))
            except DensebaError as error:
                on_bad(f"TF {parent} -> {child}: {error}")

    def lookup(self, target: str, source: str) -> np.ndarray | None:
        """``T_target_source`` (4, 4), or None while the frames are not connected.

        Raises:
            CalibrationError: when the frames form a loop.
        """
        from_target = self._to_ancestors(frame_name(target))
        for ancestor, T_ancestor_source in self._to_ancestors(frame_name(source)).items():
            if ancestor in from_target:
                T: np.ndarray = pose_step.inverse(from_target[ancestor]) @ T_ancestor_source
                return T
        return None

    def _to_ancestors(self, frame: str) -> dict[str, np.ndarray]:
        """``T_ancestor_frame`` of the frame itself and of all above it, nearest first."""
        chain, T = {frame: np.eye(4)}, np.eye(4)
        while frame in self._edges:
            frame, T_parent_child = self._edges[frame]
            if frame in chain:
                raise CalibrationError(f"the TF tree has a loop: {' -> '.join([*chain, frame])}")
            T = T_parent_child @ T
            chain[frame] = T
        return chain
