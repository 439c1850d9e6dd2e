"""Tables of poses as people bring them: other units, other columns, rows that are no poses."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from denseba_ros.errors import TrajectoryError
from denseba_ros.sequences.poses.pose_columns import EUROC_COLUMNS, TUM_COLUMNS, named_columns
from denseba_ros.sequences.poses.pose_table import read_poses
from denseba_ros.sequences.trajectory import Trajectory, format_seconds, tum_row

COUNT = 20
STAMPS = 1_403_636_580_763_555_584 + 33_333_333 * np.arange(COUNT, dtype=np.int64)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "groundtruth.csv"


def poses() -> np.ndarray:
    T = np.tile(np.eye(4), (COUNT, 1, 1))
    T[:, :3, :3] = Rotation.random(COUNT, random_state=1).as_matrix()
    T[:, :3, 3] = np.random.default_rng(2).normal(size=(COUNT, 3))
    return T


def rows(
    order: str = "xyzw", stamps: list[str] | None = None, separator: str = " ", more: str = ""
) -> list[str]:
    stamps = stamps or [format_seconds(stamp) for stamp in STAMPS]
    found = []
    for stamp, T in zip(stamps, poses(), strict=True):
        quaternion = dict(zip("xyzw", Rotation.from_matrix(T[:3, :3]).as_quat(), strict=True))
        values = [*T[:3, 3], *(quaternion[axis] for axis in order)]
        found.append(separator.join([stamp, *(f"{v:.9f}" for v in values)]) + more)
    return found


def check(trajectory: Trajectory, tolerance_ns: int = 0) -> None:
    assert np.abs(trajectory.stamps_ns - STAMPS).max() <= tolerance_ns
    np.testing.assert_allclose(trajectory.T_world_camera, poses(), atol=1e-7)
    assert trajectory.left_out == 0


@pytest.mark.parametrize(
    ("divide", "text", "tolerance_ns"),
    [
        (1, "{}", 0),
        (1, "{}.000000", 0),
        (1000, "{}", 1000),
        (1_000_000, "{}", 1_000_000),
    ],
)
def test_the_unit_of_stamps_is_seen(
    path: Path,
    divide: int,
    text: str,
    tolerance_ns: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    stamps = [text.format(int(stamp) // divide) for stamp in STAMPS]
    path.write_text("\n".join(rows(stamps=stamps)))
    with caplog.at_level(logging.WARNING):
        check(read_poses(path), tolerance_ns)
    assert "stamps in seconds expected; these look like" in caplog.text


def test_nanoseconds_that_begin_near_zero_are_seen_by_their_steps(path: Path) -> None:
    path.write_text("\n".join(rows(stamps=[str(33_333_333 * i) for i in range(COUNT)])))
    assert read_poses(path).stamps_ns.tolist() == [33_333_333 * i for i in range(COUNT)]


@pytest.mark.parametrize("step_ns", [5_000_000, 33_333_333, 1_000_000_000, 10_000_000_000])
def test_nanoseconds_from_zero_are_no_milliseconds_after_minutes(path: Path, step_ns: int) -> None:
    stamps = [step_ns * i for i in range(COUNT)]
    stamps[-1] = 300_000_000_000
    path.write_text("\n".join(rows(stamps=[str(stamp) for stamp in stamps])))
    assert read_poses(path).stamps_ns.tolist() == stamps


@pytest.mark.parametrize("wrong", ["1e400", "1403636580763555584", "-99999999999999999999"])
def test_one_absurd_stamp_does_not_decide_the_unit(path: Path, wrong: str) -> None:
    stamps = [format_seconds(stamp) for stamp in STAMPS]
    stamps[3] = wrong
    path.write_text("\n".join(rows(stamps=stamps)))
    assert read_poses(path).stamps_ns.tolist() == np.delete(STAMPS, 3).tolist()


@pytest.mark.parametrize("step", [0.001, 1.0, 60.0, 3000.0])
def test_seconds_stay_seconds(path: Path, step: float) -> None:
    path.write_text("\n".join(rows(stamps=[f"{-5 + step * i:.6f}" for i in range(COUNT)])))
    found = read_poses(path).stamps_ns
    np.testing.assert_allclose(found, 1e9 * (-5 + step * np.arange(COUNT)), atol=1000)


def test_euroc_with_the_quaternion_w_first(path: Path) -> None:
    header = (
        "#timestamp, p_RS_R_x [m], p_RS_R_y [m], p_RS_R_z [m], q_RS_w [], q_RS_x [], q_RS_y [], "
        "q_RS_z [], v_RS_R_x [m s^-1], v_RS_R_y [m s^-1], v_RS_R_z [m s^-1], b_w_RS_S_x [rad s^-1]"
    )
    stamps = [str(stamp) for stamp in STAMPS]
    lines = rows("wxyz", stamps, ",", ",0.1,0.2,0.3,0.0")
    path.write_text("\n".join([header, *lines]))
    check(read_poses(path))
    path.write_text("\r\n".join(["\ufeff" + header, *lines]), encoding="utf-8")
    check(read_poses(path))
    # Without its header it is known by its 17 columns.
    path.write_text("\n".join(rows("wxyz", stamps, ",", ",0" * 9)))
    check(read_poses(path))


@pytest.mark.parametrize(
    ("header", "order"),
    [
        ("timestamp,tx,ty,tz,qx,qy,qz,qw", "xyzw"),
        ("timestamp [s],x,y,z,qw,qx,qy,qz", "wxyz"),
        ("%time,pose.position.x,pose.position.y,pose.position.z,pose.orientation.x,"
         "pose.orientation.y,pose.orientation.z,pose.orientation.w", "xyzw"),
        ("# timestamp tx ty tz qw qx qy qz", "wxyz"),
        ("time;pos_x;pos_y;pos_z;quat_w;quat_x;quat_y;quat_z".replace(";", ","), "wxyz"),
    ],
)  # fmt: skip
def test_a_header_names_the_columns(path: Path, header: str, order: str) -> None:
    path.write_text("\n".join([header, *rows(order, separator=",")]))
    check(read_poses(path))


def test_a_header_that_names_no_pose_leaves_the_order_of_tum(path: Path) -> None:
    path.write_text("\n".join(["# ground truth trajectory", "a,b,c", *rows()]))
    check(read_poses(path))
    assert named_columns("timestamp tx ty tz") is None
    assert named_columns("#timestamp [ns],p_x,p_y,p_z,q_w,q_x,q_y,q_z") == EUROC_COLUMNS
    assert TUM_COLUMNS.needed == 8


def test_rows_that_are_no_poses_are_left_out_and_counted(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = rows()
    lines[3] = " ".join([lines[3].split()[0], *["NaN"] * 7])
    lines[5] = " ".join([*lines[5].split()[:4], *["0"] * 4])
    lines[8] = lines[7]
    lines[11] = lines[11][:30]
    lines[14] = lines[14].replace(lines[14].split()[2], "abc")
    path.write_text("\n".join(lines))
    with caplog.at_level(logging.WARNING):
        trajectory = read_poses(path)
    kept = [i for i in range(COUNT) if i not in (3, 5, 8, 11, 14)]
    assert trajectory.stamps_ns.tolist() == STAMPS[kept].tolist()
    assert trajectory.left_out == 5
    assert "left out 5 of 20 rows: " in caplog.text
    assert "1 not finite" in caplog.text
    assert "1 duplicate stamp" in caplog.text


def test_one_stamp_that_leaps_costs_one_row(path: Path) -> None:
    lines = rows()
    lines[4] = "1403636999.0 " + lines[4].split(maxsplit=1)[1]
    path.write_text("\n".join(lines))
    assert len(read_poses(path)) == COUNT - 1


def test_a_file_that_is_mostly_wrong_is_refused_with_the_first_reason(path: Path) -> None:
    lines = rows()
    for i in range(15):
        lines[i] = " ".join([*lines[i].split()[:4], *["0.7"] * 4])
    path.write_text("\n".join(lines))
    with pytest.raises(TrajectoryError, match=r"csv:1: .*length 1 \(15 of 20 rows are wrong\)"):
        read_poses(path)


@given(data=st.data())
def test_any_damage_is_counted_or_one_sentence(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray("\n".join(rows()).encode())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content)))]
    elif content:
        for _ in range(data.draw(st.integers(1, 20))):
            content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(
                st.integers(0, 7)
            )
    path = tmp_path_factory.mktemp("d") / "damaged.txt"
    path.write_bytes(bytes(content))
    try:
        trajectory = read_poses(path)
    except TrajectoryError as error:
        assert "damaged.txt" in str(error)  # noqa: PT017
        return
    assert len(trajectory) > 0
    assert np.all(np.diff(trajectory.stamps_ns) > 0)
    assert np.all(np.isfinite(trajectory.T_world_camera))


def test_negative_stamps_are_written_and_read_as_they_are(path: Path) -> None:
    stamps = [-1_000_000_000, -966_667_000, -1, 0, 33_333_000]
    path.write_text("".join(tum_row(stamp, np.eye(4)) + "\n" for stamp in stamps))
    assert path.read_text().splitlines()[1].startswith("-0.966667000 ")
    assert read_poses(path).stamps_ns.tolist() == stamps
