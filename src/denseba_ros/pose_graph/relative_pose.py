"""The pose of one keyframe relative to another, with what is known of its error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from denseba_ros.geometry import sim3
from denseba_ros.pose_graph.graph import Doubles


@dataclass(frozen=True)
class RelativePose:
    """``S_first_second`` (4, 4) as the graph has it and the ``covariance`` (7, 7) of
    ``log(S_true inv(S_first_second))``, in the axes and the unit of the first."""

    S_first_second: Doubles
    covariance: Doubles

    def squared_error(self, S_measured: Doubles, covariance: Doubles) -> float:
        """Squared Mahalanobis distance (7 degrees of freedom) of an independent measurement (4, 4)
        of the same with ``covariance`` (7, 7): above ``SQUARED_OUTLIER`` the two contradict."""
        error = sim3.log(S_measured @ sim3.inverse(self.S_first_second))
        return float(error @ np.linalg.solve(self.covariance + covariance, error))
