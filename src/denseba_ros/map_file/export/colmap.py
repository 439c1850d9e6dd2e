"""A COLMAP text model with its images, https://colmap.github.io/format.html: for dense
reconstruction, splatting and viewers that read such models."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from denseba_ros.geometry import sim3
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.map_file.export.cloud import Cloud, Content, keyframe_cloud
from denseba_ros.map_file.export.whole_file import whole_file
from denseba_ros.map_file.map_reader import KeyframeEntry, MapReader

# COLMAP's centre of the top-left pixel is (0.5, 0.5).
_PIXEL_CENTRE = 0.5
_CAMERA = 1


def write_colmap(
    map: MapReader,
    calibration: Calibration,
    entries: Iterable[KeyframeEntry],
    content: Content,
    out: Path,
) -> list[str]:
    """Write cameras.txt, images.txt, points3D.txt and images/ into the folder ``out``.

    Each point was adjusted in one keyframe, so its track has one image; left out is what has a
    larger deviation than ``content`` says. Returns what was written, a line each.

    Raises:
        MapFileError: when a keyframe is damaged.
        OSError: when ``out`` cannot be written.
    """
    (out / "images").mkdir(parents=True, exist_ok=True)
    points_only = Content("points", content.max_relative_sigma)
    image_count, point_count = 0, 0
    with whole_file(out / "images.txt") as images, whole_file(out / "points3D.txt") as points:
        for entry in entries:
            keyframe = map.load_keyframe(entry.id)
            cloud = keyframe_cloud(keyframe, entry.S_map_camera, calibration, points_only)
            suffix, data = map.image_file(entry.id)
            name = f"{entry.id:06d}{suffix}"
            with whole_file(out / "images" / name) as file:
                file.write(data)
            # COLMAP counts from 1.
            images.write(_image_rows(entry, name, cloud, point_count + 1).encode())
            points.write(_point_rows(entry, cloud, point_count + 1).encode())
            image_count, point_count = image_count + 1, point_count + len(cloud.points)
    with whole_file(out / "cameras.txt") as cameras:
        cameras.write(_camera_row(calibration).encode())
    return [f"{out}: {image_count} images, {point_count} points"]


def _camera_row(c: Calibration) -> str:
    centre = f"{c.cx + _PIXEL_CENTRE:.9g} {c.cy + _PIXEL_CENTRE:.9g}"
    return f"{_CAMERA} PINHOLE {c.width} {c.height} {c.fx:.9g} {c.fy:.9g} {centre}\n"


def _image_rows(entry: KeyframeEntry, name: str, cloud: Cloud, first_point: int) -> str:
    """Pose T_camera_map as a quaternion with w first, then the pixels and their points."""
    R, t = _inverse(sim3.rigid(entry.S_map_camera))
    x, y, z, w = Rotation.from_matrix(R).as_quat()
    pose = " ".join(f"{value:.12g}" for value in (w, x, y, z, *t))
    seen = " ".join(
        f"{u:.3f} {v:.3f} {first_point + k}"
        for k, (u, v) in enumerate((cloud.pixels + _PIXEL_CENTRE).tolist())
    )
    return f"{entry.id + 1} {pose} {_CAMERA} {name}\n{seen}\n"


def _point_rows(entry: KeyframeEntry, cloud: Cloud, first_point: int) -> str:
    """Number, place, colour, error (none is known), and the image with the pixel's place in it."""
    return "".join(
        f"{first_point + k} {x:.9g} {y:.9g} {z:.9g} {grey} {grey} {grey} 0 {entry.id + 1} {k}\n"
        for k, ((x, y, z), grey) in enumerate(
            zip(cloud.points.tolist(), cloud.grey.tolist(), strict=True)
        )
    )


def _inverse(T: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    R = T[:3, :3].T
    return R, -R @ T[:3, 3]
