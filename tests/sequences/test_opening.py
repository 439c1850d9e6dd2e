"""Opening of sequences: recognition of layouts, sections, errors."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from denseba_ros.errors import CalibrationError, SequenceError
from denseba_ros.sequences.bag_writer import write_bag
from denseba_ros.sequences.opening import FORMATS, open_sequence
from denseba_ros.sequences.rendering.rendered_folder import write_rendered
from denseba_ros.sequences.room.synthetic_room import RoomSequence

INTRINSICS = "50,50,31,23"


def kitti(folder: Path, write_pictures: Callable) -> Path:
    write_pictures(folder / "image_0", [f"{i:06d}.png" for i in range(6)])
    return folder


def seven_scenes(folder: Path, write_pictures: Callable) -> Path:
    write_pictures(folder, [f"frame-{i:06d}.color.jpg" for i in range(6)])
    return folder


def images(folder: Path, write_pictures: Callable) -> Path:
    write_pictures(folder / "images", [f"{i}.png" for i in range(6)])
    return folder


def euroc(folder: Path, write_pictures: Callable) -> Path:
    camera = folder / "mav0" / "cam0"
    write_pictures(camera / "data", [f"{i}.png" for i in range(6)])
    (camera / "data.csv").write_text("".join(f"{i},{i}.png\n" for i in range(6)))
    return folder


def tum(folder: Path, write_pictures: Callable) -> Path:
    write_pictures(folder / "rgb", [f"{i}.png" for i in range(6)])
    (folder / "rgb.txt").write_text("".join(f"{i} rgb/{i}.png\n" for i in range(6)))
    return folder


def kitti_raw(folder: Path, write_pictures: Callable) -> Path:
    write_pictures(folder / "image_00" / "data", [f"{i:010}.png" for i in range(6)])
    times = "".join(f"2011-09-26 13:02:2{i}.123456789\n" for i in range(6))
    (folder / "image_00" / "timestamps.txt").write_text(times)
    return folder


def tum_mono(folder: Path, write_pictures: Callable) -> Path:
    write_pictures(folder / "images", [f"{i:05}.jpg" for i in range(6)])
    (folder / "times.txt").write_text("".join(f"{i} {i}.5 0.1\n" for i in range(6)))
    (folder / "camera.txt").write_text("0.8 1.1 0.5 0.5 0.5\n64 48\ncrop\n64 48\n")
    return folder


def icl_nuim(folder: Path, write_pictures: Callable) -> Path:
    write_pictures(folder / "rgb", [f"{i}.png" for i in range(6)])
    (folder / "traj0.gt.freiburg").write_text("1 0 0 0 0 0 0 1\n2 1 0 0 0 0 0 1\n")
    return folder


def bag(folder: Path, write_pictures: Callable) -> Path:
    write_bag(folder, RoomSequence(frames=6, width=64, height=48))
    return folder


def video(folder: Path, write_pictures: Callable) -> Path:
    folder.mkdir()
    path = folder / "v.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (64, 48))
    for i in range(6):
        writer.write(np.full((48, 64, 3), 10 * i, np.uint8))
    writer.release()
    return path


LAYOUTS = {
    "kitti": kitti,
    "7scenes": seven_scenes,
    "images": images,
    "euroc": euroc,
    "tum": tum,
    "kitti_raw": kitti_raw,
    "tum_mono": tum_mono,
    "icl_nuim": icl_nuim,
    "bag": bag,
    "video": video,
}


def test_every_format_is_tried_here() -> None:
    assert {"auto", *LAYOUTS} == set(FORMATS)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_recognised_and_cut(
    name: str, tmp_path: Path, write_pictures: Callable
) -> None:
    path = LAYOUTS[name](tmp_path / "x", write_pictures)
    whole = list(open_sequence(path, calibration=INTRINSICS))
    named = list(open_sequence(str(path), format=name, calibration=INTRINSICS))
    assert len(whole) == len(named) == 6
    part = open_sequence(path, calibration=INTRINSICS, start=2, count=3)
    assert len(part) == 3
    for a, b in zip(whole[2:5], part, strict=True):
        assert (a.index, a.stamp_ns) == (b.index, b.stamp_ns)
        assert np.array_equal(a.image, b.image)
    assert len(list(open_sequence(path, calibration=INTRINSICS, start=4, count=100))) == 2
    with pytest.raises(SequenceError, match="has 6 frames, none from 6 on"):
        open_sequence(path, calibration=INTRINSICS, start=6)


@pytest.mark.parametrize("name", LAYOUTS)
def test_no_format_accepts_something_else(name: str, tmp_path: Path) -> None:
    with pytest.raises(SequenceError):
        open_sequence(tmp_path, format=name, calibration=INTRINSICS)
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    with pytest.raises(SequenceError):
        open_sequence(text, format=name, calibration=INTRINSICS)


def test_the_error_lists_the_known_layouts(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    for path in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(SequenceError, match=r"known layouts:\n.*kitti: image_0(.|\n)*images: "):
            open_sequence(path)


@pytest.mark.parametrize(
    "arguments",
    [
        {"format": "other"},
        {"fps": 0.0},
        {"fps": float("nan")},
        {"start": -1},
        {"count": 0},
        {"topic": "/image"},
    ],
)
def test_wrong_arguments_are_refused(
    tmp_path: Path, write_pictures: Callable, arguments: dict[str, Any]
) -> None:
    with pytest.raises(SequenceError):
        open_sequence(images(tmp_path, write_pictures), calibration=INTRINSICS, **arguments)


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match="nowhere: does not exist"):
        open_sequence(tmp_path / "nowhere")


def test_a_calibration_of_another_size_is_refused(
    tmp_path: Path, write_pictures: Callable, room: RoomSequence
) -> None:
    with pytest.raises(CalibrationError, match="64x48"):
        open_sequence(images(tmp_path, write_pictures), calibration=room.calibration)


def test_the_room_needs_no_arguments(tmp_path: Path, room: RoomSequence) -> None:
    write_rendered(tmp_path / "room", room)
    sequence = open_sequence(tmp_path / "room")
    assert sequence.calibration == room.calibration
    assert len(list(sequence)) == len(room)
    assert sequence.groundtruth() is not None
