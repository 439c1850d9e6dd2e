"""A keyframe's depth to and from sensor_msgs/PointCloud2."""

from __future__ import annotations

import numpy as np
from sensor_msgs.msg import PointCloud2, PointField

from denseba_ros.errors import ImageError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.nodes.conversions.images import to_bytes
from denseba_ros.nodes.conversions.stamps import make_header, stamp_to_ns
from denseba_ros.slam.state.estimate import DepthMap, Keyframe

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


def keyframe_from_cloud(
    cloud: PointCloud2, calibration: Calibration, T_world_camera: np.ndarray
) -> Keyframe:
    """The keyframe that ``keyframe_to_cloud`` published; its id is its stamp.

    ``calibration`` is that of its depth, ``T_world_camera`` (4, 4) its pose.

    Raises:
        ImageError: when the cloud has other fields or is not of the calibration's size.
    """
    size = (calibration.height, calibration.width)
    names = tuple(f.name for f in cloud.fields)
    if names != _FIELDS or (cloud.height, cloud.width) != size:
        raise ImageError(f"a cloud {cloud.height}x{cloud.width} of {names}, expected {size}")
    points = np.frombuffer(cloud.data, dtype="<f4").reshape(*size, len(_FIELDS))
    depth = DepthMap(points[..., 2].copy(), points[..., 4].copy(), calibration)
    stamp_ns = stamp_to_ns(cloud.header.stamp)
    image = points[..., 3].astype(np.uint8)
    return Keyframe(stamp_ns, stamp_ns, T_world_camera, depth, image)
