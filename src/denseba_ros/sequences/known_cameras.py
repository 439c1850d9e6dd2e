"""Published intrinsics of public data sets, for folders that come without a calibration file."""

from __future__ import annotations

from denseba_ros.geometry.calibration import Calibration

KITTI_BY_SIZE: dict[tuple[int, int], tuple[str, Calibration]] = {
    (c.width, c.height): (source, c)
    for source, c in (
        (
            "odometry 03, raw 2011_09_26",
            Calibration(1242, 375, 721.5377, 721.5377, 609.5593, 172.854),
        ),
        ("raw 2011_09_28", Calibration(1224, 370, 707.0493, 707.0493, 604.0814, 180.5066)),
        ("raw 2011_09_29", Calibration(1238, 374, 718.3351, 718.3351, 600.3891, 181.5122)),
        ("odometry 04-21", Calibration(1226, 370, 707.0912, 707.0912, 601.8873, 183.1104)),
        ("odometry 00-02", Calibration(1241, 376, 718.856, 718.856, 607.1928, 185.2157)),
    )
}
"""Rectified left grey camera of KITTI (calib.txt P0, calib_cam_to_cam.txt P_rect_00) by size."""

TUM_BY_NAME: dict[str, Calibration] = {
    "freiburg1": Calibration(
        640,
        480,
        517.3,
        516.5,
        318.6,
        255.3,
        "plumb_bob",
        (0.2624, -0.9531, -0.0054, 0.0026, 1.1633),
    ),
    "freiburg2": Calibration(
        640,
        480,
        520.9,
        521.0,
        325.1,
        249.7,
        "plumb_bob",
        (0.2312, -0.7849, -0.0033, -0.0001, 0.9172),
    ),
    "freiburg3": Calibration(640, 480, 535.4, 539.2, 320.1, 247.6),
}
"""Colour camera of the TUM RGB-D benchmark; freiburg3 is published undistorted."""

SEVEN_SCENES_COLOUR = Calibration(640, 480, 525.0, 525.0, 320.0, 240.0)
"""Colour camera of 7-Scenes, as its authors give it."""

ICL_NUIM = Calibration(640, 480, 481.2, 480.0, 319.5, 239.5)
"""ICL-NUIM, with fy as of a camera whose y axis points down; it is published as -480."""
