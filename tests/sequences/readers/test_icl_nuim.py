"""ICL-NUIM: a camera whose y axis points up."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from denseba_ros.errors import CalibrationError, SequenceError
from denseba_ros.sequences.opening import open_sequence


@pytest.fixture
def folder(tmp_path: Path, write_pictures: Callable) -> Path:
    write_pictures(tmp_path / "rgb", ["0.png", "2.png", "10.png"], (640, 480))
    (tmp_path / "associations.txt").write_text("0 depth/0.png 0 rgb/0.png\n")
    (tmp_path / "traj0.gt.freiburg").write_text("2 1 2 3 0 0 0 1\n10 1 2 4 0.1 0.2 0.3 0.927362\n")
    return tmp_path


def test_images_in_order_of_their_number_at_30_hz(folder: Path) -> None:
    sequence = open_sequence(folder)
    assert [f.stamp_ns for f in sequence] == [0, 66_666_667, 333_333_333]
    assert sequence.calibration.fy == 480.0
    assert open_sequence(folder, calibration="481.2,-480,319.5,239.5").calibration.fy == 480.0


def test_a_point_is_seen_at_the_same_pixel_with_the_mirrored_truth(folder: Path) -> None:
    """By the published camera with the published pose, and by ours with ours."""
    sequence = open_sequence(folder)
    truth = sequence.groundtruth()
    assert truth is not None
    assert truth.stamps_ns.tolist() == [66_666_667, 333_333_333]
    published = np.eye(4)
    published[:3, :3] = Rotation.from_quat([0.1, 0.2, 0.3, 0.927362]).as_matrix()
    published[:3, 3] = 1, 2, 4
    point = np.array([1.5, 2.2, 8.0, 1.0])
    x, y, z, _ = np.linalg.inv(published) @ point
    mirrored = np.linalg.inv(truth.T_world_camera[1]) @ (point * [1, -1, 1, 1])
    assert np.linalg.det(truth.T_world_camera[1, :3, :3]) == pytest.approx(1.0)
    assert mirrored[0] / mirrored[2] == pytest.approx(x / z)
    assert 480.0 * mirrored[1] / mirrored[2] == pytest.approx(-480.0 * y / z)


def test_what_does_not_fit_is_refused(folder: Path, write_pictures: Callable) -> None:
    write_pictures(folder / "rgb", ["0.png", "2.png", "10.png"], (320, 240))
    with pytest.raises(CalibrationError, match="320x240"):
        open_sequence(folder)
    for path in (folder / "rgb").iterdir():
        path.unlink()
    with pytest.raises(SequenceError, match="no images"):
        open_sequence(folder)
