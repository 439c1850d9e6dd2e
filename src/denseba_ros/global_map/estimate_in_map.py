"""An estimate of the system, told in the map."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from denseba_ros.geometry import sim3
from denseba_ros.pose_graph.graph import Doubles
from denseba_ros.slam.state.estimate import Estimate


def estimate_in_map(estimate: Estimate, S_map_world: Doubles) -> Estimate:
    """The estimate in the frame and unit of the map that ``S_map_world`` (4, 4), a similarity,
    takes the window's world to; without its depth."""
    scale = float(sim3.scale(S_map_world))
    axes = np.kron(np.diag([scale, 1.0]), S_map_world[:3, :3] / scale)
    lengths = np.repeat([scale, 1.0], 3)
    return replace(
        estimate,
        T_world_camera=sim3.rigid(S_map_world @ estimate.T_world_camera),
        covariance=axes @ estimate.covariance @ axes.T,
        twist=estimate.twist * lengths,
        twist_covariance=estimate.twist_covariance * lengths[:, None] * lengths,
        depth=None,
    )
