"""TUM RGB-D folders, and the room written as one."""

import codecs
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from denseba_ros.errors import CalibrationError, SequenceError
from denseba_ros.sequences.known_cameras import TUM_BY_NAME
from denseba_ros.sequences.readers.tum_rgbd import open_tum
from denseba_ros.sequences.rendering.rendered_folder import DEPTH_UNITS_PER_METRE, write_rendered
from denseba_ros.sequences.room.synthetic_room import RoomSequence


def make(folder: Path, write_pictures: Callable, size: tuple[int, int] = (640, 480)) -> Path:
    write_pictures(folder / "rgb", ["1.000100.png", "1.033300.png"], size)
    rows = "# color images\n1.000100 rgb/1.000100.png\n1.033300 rgb/1.033300.png\n"
    (folder / "rgb.txt").write_text(rows)
    (folder / "groundtruth.txt").write_text("# t\n1.0 1 2 3 0 0 0 1\n1.01 1 2 4 0 0 0 1\n")
    return folder


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("rgbd_dataset_freiburg1_desk", "freiburg1"),
        ("fr2_xyz", "freiburg2"),
        ("rgbd_dataset_freiburg3_long_office", "freiburg3"),
    ],
)
def test_published_intrinsics_by_name(
    tmp_path: Path, write_pictures: Callable, name: str, key: str
) -> None:
    sequence = open_tum(make(tmp_path / name, write_pictures))
    assert sequence.calibration == TUM_BY_NAME[key]
    assert [f.stamp_ns for f in sequence] == [1_000_100_000, 1_033_300_000]
    truth = sequence.groundtruth()
    assert truth is not None
    assert truth.T_world_camera[1, :3, 3].tolist() == [1, 2, 4]


def test_a_calibration_file_comes_first(tmp_path: Path, write_pictures: Callable) -> None:
    folder = make(tmp_path / "freiburg1", write_pictures)
    (folder / "calibration.txt").write_text("726 726 354 186\n")
    assert open_tum(folder).calibration.fx == 726


def test_an_unknown_name_needs_a_calibration(tmp_path: Path, write_pictures: Callable) -> None:
    folder = make(tmp_path / "mine", write_pictures)
    with pytest.raises(CalibrationError, match="freiburg1"):
        open_tum(folder)


def test_published_intrinsics_do_not_fit_resized_images(
    tmp_path: Path, write_pictures: Callable
) -> None:
    with pytest.raises(CalibrationError, match="320x240"):
        open_tum(make(tmp_path / "freiburg1", write_pictures, (320, 240)))


def test_listed_files_that_are_missing_are_dropped(
    tmp_path: Path, write_pictures: Callable
) -> None:
    folder = make(tmp_path / "freiburg1", write_pictures)
    (folder / "rgb" / "1.000100.png").unlink()
    sequence = open_tum(folder)
    assert [f.index for f in sequence] == [1]
    assert sequence.dropped == 1


def test_a_stamp_that_leaps_costs_its_own_image(tmp_path: Path, write_pictures: Callable) -> None:
    folder = tmp_path / "freiburg1"
    names = [f"{i}.png" for i in range(12)]
    write_pictures(folder / "rgb", names, (640, 480))
    stamps = [f"{-0.3 + 0.1 * i:.6f}" for i in range(12)]
    stamps[5], stamps[9] = "7.0", "0.0"
    rows = [f"{stamp} rgb/{name}\n" for stamp, name in zip(stamps, names, strict=True)]
    (folder / "rgb.txt").write_text("".join(rows))
    sequence = open_tum(folder)
    frames = list(sequence)
    assert [f.index for f in frames] == [0, 1, 2, 3, 4, 6, 7, 8, 10, 11]
    assert sequence.drops == {"stamp leaps": 1, "no stamp": 1}
    # Zero lies on the line of the others here.
    assert [f.stamp_ns // 10**6 for f in frames][:5] == [-300, -200, -100, 0, 100]


@pytest.mark.parametrize("wrong", ["1e400", "nan", "soon"])
def test_an_absurd_stamp_costs_its_own_row(
    tmp_path: Path, write_pictures: Callable, wrong: str
) -> None:
    folder = tmp_path / "freiburg1"
    write_pictures(folder / "rgb", [f"{i}.png" for i in range(6)], (640, 480))
    stamps = [f"{0.1 * i:.6f}" for i in range(6)]
    stamps[3] = wrong
    rows = [f"{stamp} rgb/{i}.png\n" for i, stamp in enumerate(stamps)]
    (folder / "rgb.txt").write_text("".join(rows))
    assert [f.stamp_ns // 10**8 for f in open_tum(folder)] == [0, 1, 2, 4, 5]


def test_names_with_blanks(tmp_path: Path, write_pictures: Callable) -> None:
    folder = make(tmp_path / "freiburg1", write_pictures)
    (folder / "rgb" / "1.000100.png").rename(folder / "rgb" / "my first.png")
    rows = "1.000100 rgb/my first.png\n1.033300 rgb/1.033300.png depth/1.033300.png\n"
    (folder / "rgb.txt").write_text(rows)
    assert len(list(open_tum(folder))) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# nothing\n", "lists no images"),
        ("1,000100 rgb/1.000100.png\n1,033300 rgb/1.033300.png\n", "rgb.txt:1: not 'timestamp"),
        ("1e400 rgb/1.000100.png\n", "rgb.txt:1: not 'timestamp"),
        ("1.0\n", "rgb.txt:1"),
        ("one rgb/1.png\n", "rgb.txt:1"),
    ],
)
def test_a_malformed_listing_is_named(
    tmp_path: Path, write_pictures: Callable, text: str, message: str
) -> None:
    folder = make(tmp_path / "freiburg1", write_pictures)
    (folder / "rgb.txt").write_text(text)
    with pytest.raises(SequenceError, match=message):
        open_tum(folder)


def test_the_written_room_is_read_back(tmp_path: Path, room: RoomSequence) -> None:
    write_rendered(tmp_path / "room", room)
    sequence = open_tum(tmp_path / "room")
    assert sequence.calibration == room.calibration
    for original, read in zip(room, sequence, strict=True):
        assert (read.index, read.stamp_ns) == (original.index, original.stamp_ns)
        assert np.array_equal(read.image, original.image)
    truth = sequence.groundtruth()
    assert truth is not None
    assert np.allclose(truth.T_world_camera, room.groundtruth().T_world_camera, atol=1e-8)
    stored = sorted((tmp_path / "room" / "depth").iterdir())
    depth = cv2.imread(str(stored[2]), cv2.IMREAD_UNCHANGED) / DEPTH_UNITS_PER_METRE
    assert np.abs(depth - room.depth(2)).max() < 1.01 / DEPTH_UNITS_PER_METRE


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_a_listing_from_windows_with_a_repeated_row(
    tmp_path: Path, write_pictures: Callable, mark: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    folder = make(tmp_path / "freiburg1", write_pictures)
    rows = ["1.000100 rgb\\1.000100.png", "1.033300 rgb\\1.033300.png"]
    text = "\r\n".join([rows[0], *rows, ""])
    (folder / "rgb.txt").write_bytes(mark + text.encode())
    sequence = open_tum(folder)
    assert [f.stamp_ns for f in sequence] == [1_000_100_000, 1_033_300_000]
    assert sequence.dropped == 1
    assert "duplicate stamp" in caplog.text
