"""The true path beside the estimated one, while that grows."""

from __future__ import annotations

import numpy as np

from denseba_ros.errors import TrajectoryError
from denseba_ros.evaluation.trajectory.alignment import umeyama
from denseba_ros.evaluation.trajectory.association import default_tolerance_ns, nearest
from denseba_ros.sequences.trajectory import Trajectory

# A path is aligned anew once it is so much longer than at the last time.
_GROWTH = 1.1
_FEWEST = 10


class TruePath:
    """Ground truth, aligned by Sim(3) to the estimated positions as they come."""

    def __init__(self, groundtruth: Trajectory) -> None:
        self._groundtruth = groundtruth
        self._tolerance_ns = default_tolerance_ns(groundtruth.stamps_ns)
        self._estimated: list[np.ndarray] = []
        self._true: list[int] = []
        self._due_at = _FEWEST

    def add(self, stamp_ns: int, position: np.ndarray) -> None:
        """Take an estimated position (3,) in the map; nothing where the truth knows none."""
        (row,) = nearest(self._groundtruth.stamps_ns, np.array([stamp_ns]))
        if abs(int(self._groundtruth.stamps_ns[row]) - stamp_ns) <= self._tolerance_ns:
            self._estimated.append(position)
            self._true.append(int(row))

    @property
    def is_due(self) -> bool:
        """Whether there is so much more that the path should be aligned anew."""
        return len(self._true) >= self._due_at

    def aligned(self) -> np.ndarray | None:
        """True positions (M, 3) in the map, so far; None where the alignment knows no answer."""
        self._due_at = max(_FEWEST, int(_GROWTH * len(self._true)) + 1)
        true = self._groundtruth.T_world_camera[:, :3, 3]
        try:
            to_truth = umeyama(np.array(self._estimated), true[self._true])
        except TrajectoryError:
            return None
        if to_truth.scale <= 0.0:
            return None
        section = true[min(self._true) : max(self._true) + 1]
        return np.asarray((section - to_truth.translation) @ to_truth.rotation / to_truth.scale)
