"""Every format holds the map's points where ``S p`` puts them and its poses as (R, t) of S."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from denseba_ros.errors import MapFileError
from denseba_ros.map_file.export.cloud import Content, keyframe_cloud
from denseba_ros.map_file.export.exporting import Exporting
from denseba_ros.map_file.map_file import MapFile
from denseba_ros.map_file.map_reader import MapReader
from denseba_ros.pose_graph.g2o_reading import read_sim3
from denseba_ros.sequences.poses.pose_table import read_poses
from tests.map_file.made_map import CAMERA, add_keyframes, made_keyframe, made_pose

ALL = Content("points", np.inf)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "map.denseba"
    with MapFile(path) as file:
        file.begin_session(CAMERA, "")
        add_keyframes(file, range(4))
        file.begin_session(CAMERA, "")
        add_keyframes(file, range(4, 7), session=1)
    return path


def _export(path: Path, format: str, out: Path, content: Content = ALL) -> list[str]:
    with MapReader(path) as map:
        return Exporting(content).write(map, format, out)


def _expected_points(path: Path) -> np.ndarray:
    """Points of all keyframes, by the definition."""
    points = []
    with MapReader(path) as map:
        for id in map.keyframe_ids():
            k = map.load_keyframe(id)
            rays = np.c_[k.pixels, np.ones(len(k.pixels))] @ np.linalg.inv(CAMERA.matrix).T
            in_camera = np.c_[rays / k.inverse_depth[:, None], np.ones(len(rays))]
            points.append((in_camera @ made_pose(id).T)[:, :3])
    return np.concatenate(points)


def test_each_session_has_a_tum_file_of_rigid_poses(path: Path, tmp_path: Path) -> None:
    assert len(_export(path, "tum", tmp_path / "out" / "path.txt")) == 2
    poses = read_poses(tmp_path / "out" / "path_1.txt")
    assert poses.stamps_ns.tolist() == [made_keyframe(id).stamp_ns for id in (4, 5, 6)]
    for T, id in zip(poses.T_world_camera, (4, 5, 6), strict=True):
        S = made_pose(id)
        np.testing.assert_allclose(T[:3, 3], S[:3, 3], atol=1e-8)
        np.testing.assert_allclose(T[:3, :3], S[:3, :3] / (1 + 0.01 * id), atol=1e-8)


def test_a_ply_has_the_points_in_the_map(path: Path, tmp_path: Path) -> None:
    assert _export(path, "ply", tmp_path / "cloud.ply") == [f"{tmp_path / 'cloud.ply'}: 280 points"]
    head, body = (tmp_path / "cloud.ply").read_bytes().split(b"end_header\n", 1)
    assert b"element vertex 280\n" in head
    vertices = np.frombuffer(body, "<f4,<f4,<f4,u1,u1,u1")
    xyz = np.stack([vertices[f"f{k}"] for k in range(3)], 1)
    np.testing.assert_allclose(xyz, _expected_points(path), rtol=1e-4, atol=1e-4)


def test_a_pcd_has_the_same_points_and_colours(path: Path, tmp_path: Path) -> None:
    _export(path, "ply", tmp_path / "cloud.ply")
    _export(path, "pcd", tmp_path / "cloud.pcd")
    ply = (tmp_path / "cloud.ply").read_bytes().split(b"end_header\n", 1)[1]
    head, body = (tmp_path / "cloud.pcd").read_bytes().split(b"DATA binary\n", 1)
    assert b"\nWIDTH 280\nHEIGHT 1\n" in head
    assert b"\nPOINTS 280\n" in head
    of_ply = np.frombuffer(ply, "<f4,<f4,<f4,u1,u1,u1")
    of_pcd = np.frombuffer(body, "<f4,<f4,<f4,u1,u1,u1,u1")
    assert all(np.array_equal(of_ply[f"f{k}"], of_pcd[f"f{k}"]) for k in range(6))


def test_dense_points_lie_on_the_wall_and_only_certain_ones_are_taken() -> None:
    keyframe, S = made_keyframe(3), made_pose(3)
    cloud = keyframe_cloud(keyframe, S, CAMERA, Content("dense", 0.1))
    assert len(cloud.points) == np.count_nonzero(keyframe.inverse_depth_map[1] <= 0.1)
    in_camera = np.c_[cloud.points, np.ones(len(cloud.points))] @ np.linalg.inv(S).T
    np.testing.assert_allclose(in_camera[:, 2], 2.0, rtol=1e-4)
    pixels = in_camera[:, :2] / in_camera[:, 2:3] * 60 + (CAMERA.cx, CAMERA.cy)
    np.testing.assert_allclose(pixels[0], [1.5, 1.5], atol=1e-4)
    assert cloud.grey[0] in keyframe.image[1:3, 1:3]


def test_what_has_no_depth_has_no_point() -> None:
    keyframe = made_keyframe(0)
    keyframe.inverse_depth[:4] = [0.0, np.nan, np.inf, -1.0]
    keyframe.relative_sigma[4] = np.nan
    cloud = keyframe_cloud(keyframe, made_pose(0), CAMERA, ALL)
    assert len(cloud.points) == len(keyframe.pixels) - 5
    assert np.all(np.isfinite(cloud.points))


def test_cameras_are_where_the_poses_are(path: Path, tmp_path: Path) -> None:
    _export(path, "ply", tmp_path / "cloud.ply", Content("cameras"))
    body = (tmp_path / "cloud.ply").read_bytes().split(b"end_header\n", 1)[1]
    vertices = np.frombuffer(body, "<f4,<f4,<f4,u1,u1,u1")
    np.testing.assert_allclose(vertices["f2"], [made_pose(id)[2, 3] for id in range(7)], atol=1e-6)


def test_a_g2o_file_has_the_graph(path: Path, tmp_path: Path) -> None:
    assert _export(path, "g2o", tmp_path / "g.g2o") == [f"{tmp_path / 'g.g2o'}: 7 poses, 5 edges"]
    graph = read_sim3(tmp_path / "g.g2o")
    assert all(np.allclose(graph.poses[id], made_pose(id), atol=1e-12) for id in range(7))
    assert [(edge.first, edge.second) for edge in graph.edges] == [
        (0, 1), (1, 2), (2, 3), (4, 5), (5, 6)
    ]  # fmt: skip
    _export(path, "g2o-se3", tmp_path / "rigid.g2o")
    assert (tmp_path / "rigid.g2o").read_text().count("EDGE_SE3:QUAT") == 5


def test_a_colmap_model_projects_its_points_to_their_pixels(path: Path, tmp_path: Path) -> None:
    """As COLMAP reads it: q and t of the camera from the world, pixel centres at one half."""
    out = tmp_path / "model"
    assert _export(path, "colmap", out) == [f"{out}: 7 images, 280 points"]
    number, model, width, height, *intrinsics = (out / "cameras.txt").read_text().split()
    assert (number, model, width, height) == ("1", "PINHOLE", "64", "48")
    fx, fy, cx, cy = map(float, intrinsics)
    assert (cx, cy) == (32.0, 24.0)
    rows = [row.split() for row in (out / "points3D.txt").read_text().splitlines()]
    points = {int(row[0]): np.array(row[1:4], float) for row in rows}
    lines = (out / "images.txt").read_text().splitlines()
    for head, seen in zip(lines[::2], lines[1::2], strict=True):
        _, w, x, y, z, *t, camera, name = head.split()
        assert camera == "1"
        assert (out / "images" / name).is_file()
        R = Rotation.from_quat([float(v) for v in (x, y, z, w)]).as_matrix()
        triples = np.array(seen.split(), float).reshape(-1, 3)
        in_camera = np.array([points[int(id)] for id in triples[:, 2]]) @ R.T + np.array(t, float)
        projected = in_camera[:, :2] / in_camera[:, 2:] * (fx, fy) + (cx, cy)
        np.testing.assert_allclose(projected, triples[:, :2], atol=2e-3)


def test_an_empty_map_and_a_folder_that_is_none_are_refused(path: Path, tmp_path: Path) -> None:
    MapFile(tmp_path / "empty").close()
    with pytest.raises(MapFileError, match="has no keyframes"):
        _export(tmp_path / "empty", "ply", tmp_path / "cloud.ply")
    (tmp_path / "file").touch()
    with pytest.raises(MapFileError, match="cannot be written"):
        _export(path, "ply", tmp_path / "file" / "cloud.ply")


def test_a_failed_export_leaves_the_older_file(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "cloud.ply"
    out.write_text("older")
    with MapFile(path) as file:
        file._connection.execute("UPDATE keyframe_data SET checksum = 1 WHERE id = 5")
    with pytest.raises(MapFileError, match="keyframe 5 is damaged"):
        _export(path, "ply", out)
    assert out.read_text() == "older"
    assert not list(tmp_path.glob("*.partial"))
