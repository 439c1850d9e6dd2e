"""The map as messages, in the axes of the base's first pose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from geometry_msgs.msg import Point
from nav_msgs.msg import Path
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker

from denseba_ros.geometry import sim3
from denseba_ros.geometry.body_frame import CameraMount
from denseba_ros.nodes.conversions.images import to_bytes
from denseba_ros.nodes.conversions.poses import pose_stamped
from denseba_ros.nodes.conversions.stamps import make_header

_FIELDS = ("x", "y", "z", "intensity")
_BYTES = 4 * len(_FIELDS)
# Metres.
_LINE_WIDTH = 0.03
_RED = ColorRGBA(r=1.0, g=0.1, b=0.1, a=1.0)


def path_message(
    poses: Mapping[int, np.ndarray], mount: CameraMount, stamp_ns: int, frame: str
) -> Path:
    """Poses of the base from S_map_camera (4, 4) of keyframes by stamp, oldest first."""
    path = Path(header=make_header(stamp_ns, frame))
    path.poses = [
        pose_stamped(mount.T_odom_base(sim3.rigid(S)), stamp, frame)
        for stamp, S in sorted(poses.items())
    ]
    return path


def lines_message(
    ends: Sequence[np.ndarray], mount: CameraMount, stamp_ns: int, frame: str
) -> Marker:
    """A red line between each two of S_map_camera (4, 4)."""
    marker = Marker(header=make_header(stamp_ns, frame), ns="loop_closures")
    marker.type, marker.action = Marker.LINE_LIST, Marker.ADD
    marker.scale.x, marker.pose.orientation.w, marker.color = _LINE_WIDTH, 1.0, _RED
    positions = (mount.T_odom_base(sim3.rigid(S))[:3, 3] for S in ends)
    marker.points = [Point(x=float(x), y=float(y), z=float(z)) for x, y, z in positions]
    return marker


def cloud_message(points: np.ndarray, mount: CameraMount, stamp_ns: int, frame: str) -> PointCloud2:
    """Points (N, 4) x, y, z in the map, in the camera's axes, and grey value 0-255."""
    in_base = points.astype("<f4")
    in_base[:, :3] = sim3.apply(mount.T_base_camera, points[:, :3].astype(np.float64))
    cloud = PointCloud2(
        header=make_header(stamp_ns, frame),
        height=1,
        width=len(points),
        fields=[
            PointField(name=name, offset=4 * i, datatype=PointField.FLOAT32, count=1)
            for i, name in enumerate(_FIELDS)
        ],
        is_bigendian=False,
        point_step=_BYTES,
        row_step=_BYTES * len(points),
        is_dense=True,
    )
    cloud.data = to_bytes(in_base)
    return cloud
