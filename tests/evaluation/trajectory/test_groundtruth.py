"""Ground truth in every form that it comes in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from denseba_ros.errors import DensebaError
from denseba_ros.evaluation.trajectory.groundtruth import read_groundtruth

ROW = "1 0 0 {x} 0 1 0 0 0 0 1 0"


def _kitti(path: Path, count: int = 3) -> None:
    path.write_text("\n".join(ROW.format(x=i) for i in range(count)) + "\n")


def test_tum(tmp_path: Path) -> None:
    path = tmp_path / "gt.txt"
    path.write_text("# t x y z qx qy qz qw\n0.5 1 2 3 0 0 0 1\n0.6 1 2 4 0 0 0 1\n")
    truth = read_groundtruth(path)
    assert truth.stamps_ns.tolist() == [500_000_000, 600_000_000]
    np.testing.assert_allclose(truth.T_world_camera[1, :3, 3], [1, 2, 4])


def test_kitti_with_times_beside_or_named(tmp_path: Path) -> None:
    _kitti(tmp_path / "poses.txt")
    (tmp_path / "times.txt").write_text("0\n1.037e-01\n0.2\n0.3\n")
    truth = read_groundtruth(tmp_path / "poses.txt")
    assert truth.stamps_ns.tolist() == [0, 103_700_000, 200_000_000]
    (tmp_path / "other.txt").write_text("5\n6\n7\n")
    other = read_groundtruth(tmp_path / "poses.txt", times=tmp_path / "other.txt")
    assert other.stamps_ns[0] == 5_000_000_000


def test_kitti_needs_a_time_for_every_pose(tmp_path: Path) -> None:
    _kitti(tmp_path / "poses.txt")
    with pytest.raises(DensebaError, match=r"times\.txt"):
        read_groundtruth(tmp_path / "poses.txt")
    (tmp_path / "times.txt").write_text("0\n1\n")
    with pytest.raises(DensebaError, match="2 times for 3 poses"):
        read_groundtruth(tmp_path / "poses.txt")


@pytest.mark.parametrize("content", ["", "# only a comment\n", "1 2 3\n"])
def test_other_files_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "gt.txt"
    path.write_text(content)
    with pytest.raises(DensebaError, match=r"gt\.txt"):
        read_groundtruth(path)
