"""A grey point cloud of the keyframes, as binary PLY."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from denseba_ros.slam.state.estimate import Keyframe

_VERTEX = np.dtype(
    [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("red", "u1"), ("green", "u1"), ("blue", "u1")]
)
_TYPES = {"<f4": "float", "|u1": "uchar"}


def keyframe_points(
    keyframe: Keyframe, max_relative_sigma: float = 0.1, max_points: int = 3000
) -> np.ndarray:
    """Certain points of one keyframe in the world frame as PLY vertices (N,), N <= max_points."""
    depth, sigma, camera = keyframe.depth.depth, keyframe.depth.sigma, keyframe.depth.calibration
    with np.errstate(invalid="ignore"):
        certain = (depth > 0) & (sigma < max_relative_sigma * depth)
    v, u = np.nonzero(certain)
    if len(u) > max_points:  # at random: a regular grid would be visible as stripes
        keep = np.random.default_rng(keyframe.id).choice(len(u), max_points, replace=False)
        v, u = v[keep], u[keep]
    z = depth[v, u].astype(np.float64)
    rays = np.stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones_like(z)])
    T = keyframe.T_world_camera
    xyz = T[:3, :3] @ (rays * z) + T[:3, 3:]
    vertices = np.empty(len(u), _VERTEX)
    vertices["x"], vertices["y"], vertices["z"] = xyz
    for channel in ("red", "green", "blue"):
        vertices[channel] = keyframe.image[v, u]
    return vertices


def moved_points(vertices: np.ndarray, S: np.ndarray) -> np.ndarray:
    """The vertices of ``keyframe_points`` moved by a similarity (4, 4)."""
    moved = vertices.copy()
    xyz = np.stack([vertices["x"], vertices["y"], vertices["z"]]).astype(np.float64)
    moved["x"], moved["y"], moved["z"] = S[:3, :3] @ xyz + S[:3, 3:]
    return moved


def write_ply(path: Path, vertices: np.ndarray) -> None:
    """Write the vertices of ``keyframe_points`` as a binary little-endian PLY."""
    fields = [f"property {_TYPES[_VERTEX[name].str]} {name}" for name in _VERTEX.names or ()]
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(vertices)}"]
    text = "\n".join([*header, *fields, "end_header"]) + "\n"
    path.write_bytes(text.encode() + vertices.tobytes())
