"""Point clouds as binary PLY and PCD, written as they come: a large map is never in memory."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.map_file.export.cloud import Cloud, Content, keyframe_cloud
from denseba_ros.map_file.export.whole_file import whole_file
from denseba_ros.map_file.map_reader import KeyframeEntry, MapReader

_PLY_VERTEX = np.dtype(
    [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("red", "u1"), ("green", "u1"), ("blue", "u1")]
)
# PCL reads the three colours as the bytes of one number.
_PCD_VERTEX = np.dtype([("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("rgb", "<u4")])
# Room for the number of points, which is known last.
_DIGITS = 12


def write_cloud(
    map: MapReader,
    calibration: Calibration,
    entries: Iterable[KeyframeEntry],
    content: Content,
    format: str,
    out: Path,
) -> list[str]:
    """Write the keyframes' points as ``format`` ply or pcd; what was written, a line each.

    Raises:
        MapFileError: when a keyframe is damaged.
        OSError: when ``out`` cannot be written.
    """
    header, vertices = (
        (_ply_header, _ply_vertices) if format == "ply" else (_pcd_header, _pcd_vertices)
    )
    count = 0
    with whole_file(out) as file:
        file.write(header(0))
        for entry in entries:
            keyframe = map.load_keyframe(entry.id)
            cloud = keyframe_cloud(keyframe, entry.S_map_camera, calibration, content)
            file.write(vertices(cloud))
            count += len(cloud.points)
        _rewrite(file, header(count))
    return [f"{out}: {count} points"]


def _rewrite(file: BinaryIO, header: bytes) -> None:
    file.seek(0)
    file.write(header)


def _ply_header(count: int) -> bytes:
    types = {"<f4": "float", "|u1": "uchar"}
    fields = [f"property {types[_PLY_VERTEX[n].str]} {n}" for n in _PLY_VERTEX.names or ()]
    lines = [
        "ply",
        "format binary_little_endian 1.0",
        f"comment {_padding(count)}",
        f"element vertex {count}",
        *fields,
        "end_header",
    ]
    return ("\n".join(lines) + "\n").encode()


def _pcd_header(count: int) -> bytes:
    lines = [
        f"# .PCD v0.7 - Point Cloud Data file format {_padding(count)}{_padding(count)}",
        "VERSION 0.7",
        "FIELDS x y z rgb",
        "SIZE 4 4 4 4",
        "TYPE F F F F",
        "COUNT 1 1 1 1",
        f"WIDTH {count}",
        "HEIGHT 1",
        "VIEWPOINT 0 0 0 1 0 0 0",
        f"POINTS {count}",
        "DATA binary",
    ]
    return ("\n".join(lines) + "\n").encode()


def _padding(count: int) -> str:
    """So much that the header has the same length for every number of points."""
    return "-" * (_DIGITS - len(str(count)))


def _ply_vertices(cloud: Cloud) -> bytes:
    vertices = np.empty(len(cloud.points), _PLY_VERTEX)
    vertices["x"], vertices["y"], vertices["z"] = cloud.points.T
    vertices["red"] = vertices["green"] = vertices["blue"] = cloud.grey
    return vertices.tobytes()


def _pcd_vertices(cloud: Cloud) -> bytes:
    vertices = np.empty(len(cloud.points), _PCD_VERTEX)
    vertices["x"], vertices["y"], vertices["z"] = cloud.points.T
    vertices["rgb"] = cloud.grey.astype(np.uint32) * 0x010101
    return vertices.tobytes()
