"""imu0 of EuRoC folders: by the header, in the order of time, read when asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from denseba_ros.errors import SequenceError
from denseba_ros.sequences.imu.euroc_imu import read_euroc_imu

HEADER = (
    "#timestamp [ns],w_RS_S_x [rad s^-1],w_RS_S_y [rad s^-1],w_RS_S_z [rad s^-1],"
    "a_RS_S_x [m s^-2],a_RS_S_y [m s^-2],a_RS_S_z [m s^-2]\n"
)
SWAPPED = "timestamp [s],acc_x,acc_y,acc_z,gyr_x,gyr_y,gyr_z,temperature\n"


def _written(folder: Path, text: str) -> Path:
    (folder / "imu0").mkdir()
    (folder / "imu0" / "data.csv").write_text(text)
    return folder


@pytest.mark.parametrize("header", [HEADER, ""])
def test_rows(tmp_path: Path, header: str) -> None:
    rows = "1650458715596950054,1,2,3,4,5,6\n1650458715601927042,7,8,9,10,11,12\n"
    samples = read_euroc_imu(_written(tmp_path, header + rows))
    assert samples is not None
    assert samples.stamp_ns.tolist() == [1650458715596950054, 1650458715601927042]
    np.testing.assert_array_equal(samples.gyroscope, [[1, 2, 3], [7, 8, 9]])
    np.testing.assert_array_equal(samples.accelerometer, [[4, 5, 6], [10, 11, 12]])


def test_columns_by_their_names(tmp_path: Path) -> None:
    samples = read_euroc_imu(_written(tmp_path, SWAPPED + "1.5,4,5,6,1,2,3,20\n"))
    assert samples is not None
    assert samples.stamp_ns.tolist() == [1_500_000_000]
    np.testing.assert_array_equal(samples.gyroscope, [[1, 2, 3]])


def test_disorder_is_mended_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = "30,3,0,0,0,0,9\n10,1,0,0,0,0,9\n10,7,0,0,0,0,9\n20,nan,0,0,0,0,9\n"
    samples = read_euroc_imu(_written(tmp_path, HEADER + rows))
    assert samples is not None
    assert samples.stamp_ns.tolist() == [10, 30]
    assert samples.gyroscope[:, 0].tolist() == [1.0, 3.0]
    assert "left out 2 of 4 IMU samples" in caplog.text


def test_without_imu_there_is_none(tmp_path: Path) -> None:
    assert read_euroc_imu(tmp_path) is None
    assert read_euroc_imu(_written(tmp_path, HEADER)) is None


def test_a_row_that_was_cut_costs_itself(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = "10,1,2,3,4,5,6\n20,1,2,3,4,5,6\n30,1,2,3\n"
    samples = read_euroc_imu(_written(tmp_path, HEADER + rows))
    assert samples is not None
    assert samples.stamp_ns.tolist() == [10, 20]
    assert "left out 1 rows" in caplog.text


@pytest.mark.parametrize("row", ["10,1,2,3\n", "10,1,2,3,4,5,x\n", "soon,1,2,3,4,5,6\n"])
def test_a_malformed_row_is_named(tmp_path: Path, row: str) -> None:
    with pytest.raises(SequenceError, match=r"data.csv:2"):
        read_euroc_imu(_written(tmp_path, HEADER + row))
