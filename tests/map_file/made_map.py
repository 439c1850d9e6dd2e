"""Keyframes, poses and edges that no camera saw, for maps of tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.map_file.map_file import MapFile
from denseba_ros.map_file.map_keyframe import LocalFeatures, MapKeyframe
from denseba_ros.pose_graph.graph import Edge

CAMERA = Calibration(64, 48, 60.0, 60.0, 31.5, 23.5)


def made_keyframe(
    id: int,
    session: int = 0,
    *,
    count: int = 40,
    features: int | None = 30,
    seed: int | None = None,
) -> MapKeyframe:
    """A smooth wall at about 2 units of length, with points on it; 64x48 pixels."""
    rng = np.random.default_rng(id if seed is None else seed)
    v, u = np.mgrid[:48, :64].astype(np.float32)
    image = np.clip(120 + 60 * np.sin(u / 9 + id) + 30 * np.cos(v / 7), 0, 255).astype(np.uint8)
    pixels = rng.uniform(2, 45, (count, 2)).astype(np.float32)
    pixels[count // 4 :] = np.round(pixels[count // 4 :])
    return MapKeyframe(
        id=id,
        session=session,
        stamp_ns=1_000_000_000 + id * 100_000_000,
        image=image,
        affine=np.array([0.01 * id, 2.0]),
        pixels=pixels,
        inverse_depth=rng.uniform(0.3, 0.7, count).astype(np.float32),
        relative_sigma=rng.uniform(0.005, 0.2, count).astype(np.float32),
        corners=count // 4,
        inverse_depth_map=np.stack(
            [np.full((12, 16), 0.5), np.linspace(0.01, 0.5, 192).reshape(12, 16)]
        ).astype(np.float32),
        features=None if features is None else made_features(rng, features),
        descriptor=None if features is None else unit(rng.normal(size=32)).astype(np.float32),
    )


def made_features(rng: np.random.Generator, count: int) -> LocalFeatures:
    places = rng.uniform(0, 47, (count, 2)).astype(np.float32)
    return LocalFeatures(places, unit(rng.normal(size=(count, 64))).astype(np.float16))


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    scaled: NDArray[np.float64] = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return scaled


def made_pose(id: int) -> NDArray[np.float64]:
    """S_map_camera on a curve, its scale drifting."""
    S = np.eye(4)
    S[:3, :3] = (1 + 0.01 * id) * Rotation.from_rotvec([0.0, 0.1 * id, 0.02 * id]).as_matrix()
    S[:3, 3] = [np.sin(0.3 * id), 0.1 * id, 0.5 * id]
    return S


def made_edge(first: int, second: int, is_closure: bool = False) -> Edge:
    measured = np.linalg.inv(made_pose(first)) @ made_pose(second)
    return Edge(first, second, measured, np.diag(np.arange(1.0, 8.0)) * 1e-4, is_closure)


def add_keyframes(file: MapFile, ids: range, session: int = 0) -> None:
    """Keyframes with these numbers, each with an edge to the one before."""
    for id in ids:
        with file.transaction():
            file.add_keyframe(made_keyframe(id, session), made_pose(id))
            if id > ids.start:
                file.add_edge(made_edge(id - 1, id))
