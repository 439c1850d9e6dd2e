"""A keyframe's depth as sensor_msgs/PointCloud2."""

from __future__ import annotations

import numpy as np
from sensor_msgs.msg import PointCloud2, PointField

from denseba_ros.nodes.images import to_bytes
from denseba_ros.nodes.stamps import make_header
from denseba_ros.slam.estimate import Keyframe

_FIELDS = ("x", "y", "z", "intensity", "sigma")
_BYTES = 4 * len(_FIELDS)


def keyframe_to_cloud(keyframe: Keyframe, frame_id: str) -> PointCloud2:
    """An organised cloud (one point a pixel, NaN where unknown) in the camera's optical frame.

    ``intensity`` is the grey value 0-255, ``sigma`` the standard deviation of z in metres.
    """
    depth = keyframe.depth.depth
    height, width = depth.shape
    camera = keyframe.depth.calibration
    points = np.empty((height, width, len(_FIELDS)), dtype="<f4")
    points[..., 0] = (np.arange(width) - camera.cx) / camera.fx * depth
    points[..., 1] = ((np.arange(height) - camera.cy) / camera.fy)[:, None] * depth
    points[..., 2] = depth
    points[..., 3] = keyframe.image
    points[..., 4] = keyframe.depth.sigma
    cloud = PointCloud2(
        header=make_header(keyframe.stamp_ns, frame_id),
        height=height,
        width=width,
        fields=[
            PointField(name=name, offset=4 * i, datatype=PointField.FLOAT32, count=1)
            for i, name in enumerate(_FIELDS)
        ],
        is_bigendian=False,
        point_step=_BYTES,
        row_step=_BYTES * width,
        is_dense=False,
    )
    cloud.data = to_bytes(points)
    return cloud
