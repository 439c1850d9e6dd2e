"""Trajectory files keep poses and stamps, and malformed ones are named."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from denseba_ros.errors import TrajectoryError
from denseba_ros.sequences.poses.pose_table import read_poses
from denseba_ros.sequences.trajectory import (
    Trajectory,
    associate,
    format_seconds,
    is_rigid,
    parse_seconds,
    read_kitti,
    tum_row,
    write_tum,
)

UNIT = "0 0 0 0 0 0 1"


@st.composite
def trajectories(draw: st.DrawFn) -> Trajectory:
    stamps = draw(st.lists(st.integers(-(10**12), 2 * 10**18), min_size=1, max_size=8, unique=True))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    T = np.tile(np.eye(4), (len(stamps), 1, 1))
    T[:, :3, :3] = Rotation.random(len(stamps), rng=rng).as_matrix()
    T[:, :3, 3] = rng.uniform(-1e4, 1e4, (len(stamps), 3))
    return Trajectory(np.sort(np.array(stamps, dtype=np.int64)), T)


@given(trajectory=trajectories())
def test_what_is_written_is_read(
    trajectory: Trajectory, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("t") / "trajectory.txt"
    write_tum(path, trajectory)
    again = read_poses(path)
    assert np.array_equal(again.stamps_ns, trajectory.stamps_ns)
    assert np.allclose(again.T_world_camera, trajectory.T_world_camera, atol=1e-8, rtol=0)


def test_comments_commas_and_empty_lines_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_text(f"# stamp ...\n\n1.5, {UNIT.replace(' ', ', ')}\n2 1 2 3 0 0 0.70711 0.70711\n")
    trajectory = read_poses(path)
    assert trajectory.stamps_ns.tolist() == [1_500_000_000, 2_000_000_000]
    assert trajectory.T_world_camera[1, :3, 3].tolist() == [1, 2, 3]
    # A quarter turn about z takes x to y.
    assert np.allclose(trajectory.T_world_camera[1, :3, 0], [0, 1, 0], atol=1e-4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no poses"),
        ("# only a comment\n", "no poses"),
        ("1 2 3\n", "t.txt:1: expected 8 numbers, got 3"),
        (f"0 {UNIT}\nx {UNIT}\ny {UNIT}\n", "t.txt:2"),
        ("0 0 0 abc 0 0 0 1\n", "t.txt:1"),
        ("0 0 0 nan 0 0 0 1\n", "not finite"),
        ("0 0 0 0 0 0 0 0\n", "length 1"),
        ("0 0 0 0 1 1 1 1\n", "length 1"),
        (f"inf {UNIT}\n", "t.txt:1"),
    ],
)
def test_malformed_files_are_named_with_their_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "t.txt"
    path.write_text(text)
    with pytest.raises(TrajectoryError, match=message):
        read_poses(path)


def test_a_missing_or_binary_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrajectoryError, match="nowhere"):
        read_poses(tmp_path / "nowhere.txt")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(TrajectoryError, match="binary"):
        read_poses(tmp_path / "binary")


def test_kitti_rows_of_12_and_16(tmp_path: Path) -> None:
    T = np.eye(4)
    T[:3, :3] = Rotation.from_euler("y", 0.3).as_matrix()
    T[:3, 3] = [1, 2, 3]
    for rows in (3, 4):
        path = tmp_path / f"{rows}.txt"
        np.savetxt(path, np.stack([T[:rows].ravel()] * 2))
        assert np.allclose(read_kitti(path), T)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1 2 3", "12 or 16"),
        ("a " * 12, "x.txt:1"),
        ("1 0 0 0 0 1 0 0 0 0 5 0", "rigid"),
        ("1 0 0 0 0 1 0 0 0 0 -1 0", "rigid"),
        ("nan " * 12, "rigid"),
    ],
)
def test_kitti_rows_that_are_no_pose(tmp_path: Path, row: str, message: str) -> None:
    path = tmp_path / "x.txt"
    path.write_text(row + "\n")
    with pytest.raises(TrajectoryError, match=message):
        read_kitti(path)


@given(st.integers(-(2**62), 2**62))
def test_seconds_keep_every_nanosecond(nanoseconds: int) -> None:
    sign, digits = ("-" if nanoseconds < 0 else ""), f"{abs(nanoseconds):010d}"
    text = f"{sign}{digits[:-9]}.{digits[-9:]}"
    assert parse_seconds(text) == nanoseconds
    assert format_seconds(nanoseconds) == text


def test_a_tum_row_is_stamp_position_and_quaternion() -> None:
    T = np.eye(4)
    T[:3, :3] = Rotation.from_quat([0.6, 0.0, 0.0, 0.8]).as_matrix()
    T[:3, 3] = 1.0, -2.0, 0.5
    numbers = "1.000000000 -2.000000000 0.500000000 0.600000000 0.000000000 0.000000000 0.800000000"
    assert tum_row(1_500_000_001, T) == f"1.500000001 {numbers}"


def test_scientific_seconds() -> None:
    assert parse_seconds("1.037359e-01") == 103_735_900


def test_association_pairs_mutual_nearest_stamps() -> None:
    a, b = np.array([0, 100, 110, 300]), np.array([4, 108, 500])
    ia, ib = associate(a, b, 20)
    assert ia.tolist() == [0, 2]
    assert ib.tolist() == [0, 1]


@given(
    st.lists(st.integers(0, 1000), unique=True, max_size=30),
    st.lists(st.integers(0, 1000), unique=True, max_size=30),
    st.integers(0, 50),
)
def test_association_is_one_to_one_symmetric_and_within_tolerance(
    a: list[int], b: list[int], tolerance: int
) -> None:
    a_ns, b_ns = np.array(sorted(a), dtype=np.int64), np.array(sorted(b), dtype=np.int64)
    ia, ib = associate(a_ns, b_ns, tolerance)
    assert len(set(ia.tolist())) == len(ia) == len(ib) == len(set(ib.tolist()))
    assert np.all(np.abs(a_ns[ia] - b_ns[ib]) <= tolerance)
    common = set(a) & set(b)
    assert common <= set(a_ns[ia].tolist())


def test_rigid() -> None:
    assert is_rigid(np.eye(4))
    assert not is_rigid(np.full((4, 4), np.nan))
    assert not is_rigid(np.diag([1.0, 1.0, -1.0, 1.0]))
