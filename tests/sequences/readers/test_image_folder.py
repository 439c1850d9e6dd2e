"""Plain folders of images, and what happens to broken ones."""

import logging
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from denseba_ros.errors import CalibrationError, SequenceError, TrajectoryError
from denseba_ros.sequences.readers.image_folder import open_images

K = "50 0 31\n0 50 23\n0 0 1\n"


@pytest.fixture
def folder(tmp_path: Path, write_pictures: Callable) -> Path:
    """Numbers without leading zeros: alphabetical order would be wrong."""
    write_pictures(tmp_path / "images", ["9.png", "10.jpg", "11.png", "100.png"])
    (tmp_path / "K.txt").write_text(K)
    return tmp_path


def poses(stamps: list[float]) -> str:
    return "".join(f"{t} {t} 0 0 0 0 0 1\n" for t in stamps)


def test_order_is_by_number_and_30_hz_is_the_default(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        sequence = open_images(folder)
    assert [f.path.name for f in sequence.files] == ["9.png", "10.jpg", "11.png", "100.png"]
    assert [f.stamp_ns for f in sequence] == [0, 33_333_333, 66_666_667, 100_000_000]
    assert "30 Hz" in caplog.text
    assert sequence.groundtruth() is None
    assert sequence.calibration.cx == 31


def test_a_given_rate_is_used(folder: Path) -> None:
    assert [f.stamp_ns for f in open_images(folder, fps=20)][1] == 50_000_000


def test_ground_truth_stamped_by_file_number_gives_the_stamps(folder: Path) -> None:
    (folder / "poses_tum.txt").write_text(poses([9, 10, 11]))
    sequence = open_images(folder)
    assert [f.stamp_ns for f in sequence] == [i * 10**9 for i in (9, 10, 11, 100)]
    truth = sequence.groundtruth()
    assert truth is not None
    assert truth.stamps_ns.tolist() == [9 * 10**9, 10 * 10**9, 11 * 10**9]


def test_a_given_rate_restamps_that_ground_truth_too(folder: Path) -> None:
    (folder / "poses_tum.txt").write_text(poses([9, 11, 100]))
    truth = open_images(folder, fps=10).groundtruth()
    assert truth is not None
    assert truth.stamps_ns.tolist() == [0, 200_000_000, 300_000_000]
    assert truth.T_world_camera[:, 0, 3].tolist() == [9, 11, 100]


def test_ground_truth_with_times_of_its_own_keeps_them(folder: Path) -> None:
    (folder / "poses_tum.txt").write_text(poses([0.0, 0.034, 0.067]))
    sequence = open_images(folder)
    truth = sequence.groundtruth()
    assert truth is not None
    assert [f.stamp_ns for f in sequence][1] == 33_333_333
    assert truth.stamps_ns.tolist() == [0, 34_000_000, 67_000_000]


def test_poses_one_per_image(folder: Path) -> None:
    T = [np.eye(4) for _ in range(4)]
    T[2][1, 3] = 7
    np.savetxt(folder / "poses.txt", [t.ravel() for t in T])
    sequence = open_images(folder)
    truth = sequence.groundtruth()
    assert truth is not None
    assert truth.stamps_ns.tolist() == [f.stamp_ns for f in sequence.files]
    assert truth.T_world_camera[2, 1, 3] == 7
    part = sequence.section(1, 3).groundtruth()
    assert part is not None
    assert len(part) == 4


def test_poses_that_do_not_fit_are_refused(folder: Path) -> None:
    np.savetxt(folder / "poses.txt", [np.eye(4).ravel()] * 3)
    with pytest.raises(SequenceError, match="4 images but 3 poses"):
        open_images(folder).groundtruth()
    (folder / "poses_tum.txt").write_text("1 2 3\n")
    with pytest.raises(TrajectoryError):
        open_images(folder)


def test_images_may_lie_in_the_folder_itself(tmp_path: Path, write_pictures: Callable) -> None:
    write_pictures(tmp_path, ["a.png", "b.png"])
    sequence = open_images(tmp_path, "50,50,31,23,-0.1,0.01,0,0", fps=5)
    assert [f.stamp_ns for f in sequence] == [0, 200_000_000]
    assert sequence.calibration.coefficients == (-0.1, 0.01, 0, 0)


def test_no_calibration_is_an_error_that_says_what_to_do(folder: Path) -> None:
    (folder / "K.txt").unlink()
    with pytest.raises(CalibrationError, match="--intrinsics"):
        open_images(folder)


@pytest.mark.parametrize("text", ["1 2\n", "a b c\nd e f\ng h i\n", "0 0 0\n0 0 0\n0 0 1\n"])
def test_a_broken_K_is_named(folder: Path, text: str) -> None:
    (folder / "K.txt").write_text(text)
    with pytest.raises(CalibrationError, match=r"K\.txt"):
        open_images(folder)


@pytest.mark.parametrize("kept", [0, 100, 0.5, 0.97])
def test_a_broken_image_is_left_out_logged_and_counted(
    folder: Path, kept: float, caplog: pytest.LogCaptureFixture
) -> None:
    path = folder / "images" / "10.jpg"
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data)) if isinstance(kept, float) else kept])
    sequence = open_images(folder)
    with caplog.at_level(logging.WARNING):
        frames = list(sequence)
    assert [f.index for f in frames] == [0, 2, 3]
    assert sequence.dropped == 1
    assert "10.jpg" in caplog.text
    list(sequence)
    assert sequence.dropped == 1


def test_only_broken_images_are_an_error_that_names_one(folder: Path) -> None:
    for path in (folder / "images").iterdir():
        path.write_bytes(b"nothing")
    with pytest.raises(SequenceError, match=r"9\.png"):
        open_images(folder)


@pytest.mark.parametrize("name", ["9.png", "11.png"])
def test_an_image_of_another_size_is_left_out_logged_and_counted(
    folder: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Also the first one: most of the images say which size is right."""
    cv2.imwrite(str(folder / "images" / name), np.zeros((20, 20), np.uint8))
    sequence = open_images(folder)
    with caplog.at_level(logging.WARNING):
        assert len(list(sequence)) == 3
    assert sequence.dropped == 1
    assert f"{name}: the image is 20x20" in caplog.text
    assert (sequence.calibration.width, sequence.calibration.height) == (64, 48)


def test_16_bit_and_transparent_images_become_8_bit(folder: Path) -> None:
    cv2.imwrite(str(folder / "images" / "9.png"), np.full((48, 64), 257 * 9, np.uint16))
    cv2.imwrite(str(folder / "images" / "11.png"), np.full((48, 64, 4), 5, np.uint8))
    frames = list(open_images(folder))
    assert frames[0].image.dtype == np.uint8
    assert frames[0].image[0, 0] == 9
    assert frames[2].image.shape == (48, 64, 3)


def test_hidden_files_and_thumbnails_are_no_images(folder: Path) -> None:
    """As disks of cameras carry them from one system to the other."""
    before = [f.stamp_ns for f in open_images(folder)]
    for name in ("._9.png", "._11.png", "Thumbs.db", ".DS_Store", ".hidden.jpg"):
        (folder / "images" / name).write_bytes(b"\0\5\x16\7 resource")
    sequence = open_images(folder)
    assert [f.stamp_ns for f in sequence] == before
    assert sequence.dropped == 0


def test_webp(tmp_path: Path, write_pictures: Callable) -> None:
    write_pictures(tmp_path, [f"{i}.webp" for i in range(3)])
    assert len(list(open_images(tmp_path, "50,50,31,23"))) == 3


def test_names_that_are_stamps_are_the_stamps(
    tmp_path: Path, write_pictures: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    names = [f"{1_403_636_579_763_555_584 + i * 50_000_000}.png" for i in range(12)]
    write_pictures(tmp_path / "data", [*names, "shot.png"])
    with caplog.at_level(logging.WARNING):
        sequence = open_images(tmp_path, "50,50,31,23")
    assert [f.stamp_ns for f in sequence] == [int(name[:-4]) for name in names]
    assert "1 other images are passed over" in caplog.text
    assert "30 Hz" not in caplog.text
    assert open_images(tmp_path, "50,50,31,23", fps=10).files[1].stamp_ns == 100_000_000


def test_two_names_of_one_stamp_are_one_image(
    tmp_path: Path, write_pictures: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    write_pictures(tmp_path, ["1.00.png", "1.10.png", "1.1.png", "1.20.png"])
    sequence = open_images(tmp_path, "50,50,31,23")
    assert [f.stamp_ns for f in sequence] == [1_000_000_000, 1_100_000_000, 1_200_000_000]
    assert sequence.dropped == 1
    assert "duplicate stamp" in caplog.text


def test_pairs_in_one_folder_are_asked_for(tmp_path: Path, write_pictures: Callable) -> None:
    write_pictures(tmp_path, [f"{side}_{i}.png" for side in ("left", "right") for i in range(3)])
    with pytest.raises(SequenceError, match=r"left_#.png \(3\), right_#.png \(3\)"):
        open_images(tmp_path, "50,50,31,23")
    chosen = open_images(tmp_path, "50,50,31,23", names="right_")
    assert {f.path.name[:6] for f in chosen.files} == {"right_"}


def test_real_hololens(sequence_dir: Callable[[str], Path]) -> None:
    sequence = open_images(sequence_dir("hololens_000"))
    truth = sequence.groundtruth()
    assert truth is not None
    assert len(sequence) == len(truth) == 373
    assert [f.stamp_ns for f in sequence.files] == truth.stamps_ns.tolist()
    assert sequence.files[0].stamp_ns == 3 * 10**9
    assert (sequence.calibration.width, sequence.calibration.height) == (540, 360)
    assert sequence.calibration.fx == pytest.approx(495.57, abs=0.01)
