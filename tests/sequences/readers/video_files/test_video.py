"""Video files, written here by OpenCV's own MJPEG."""

import logging
import struct
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from denseba_ros.errors import CalibrationError, DensebaError, SequenceError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.camera_info import write_camera_info
from denseba_ros.sequences.readers.video_files.video import open_video
from denseba_ros.sequences.room.synthetic_room import RoomSequence

INTRINSICS = "80,80,48,36"


@pytest.fixture
def video(tmp_path: Path, room: RoomSequence) -> Path:
    path = tmp_path / "room.avi"
    size = (room.calibration.width, room.calibration.height)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, size)
    assert writer.isOpened()
    for frame in room:
        writer.write(cv2.cvtColor(frame.image, cv2.COLOR_GRAY2BGR))
    writer.release()
    return path


def test_frames_and_the_files_own_times(video: Path, room: RoomSequence) -> None:
    sequence = open_video(video, INTRINSICS)
    frames = list(sequence)
    assert len(frames) == len(sequence) == len(room)
    assert [f.stamp_ns for f in frames] == [i * 40_000_000 for i in range(5)]
    assert sequence.dropped == 0
    for frame, original in zip(frames, room, strict=True):
        grey = cv2.cvtColor(frame.image, cv2.COLOR_BGR2GRAY)
        assert np.abs(grey.astype(int) - original.image).mean() < 8


def test_a_given_rate_restamps(video: Path) -> None:
    assert [f.stamp_ns for f in open_video(video, INTRINSICS, fps=10)][2] == 200_000_000


def test_a_section_keeps_index_and_stamp(video: Path) -> None:
    part = open_video(video, INTRINSICS).section(2, 4)
    assert len(part) == 2
    assert [(f.index, f.stamp_ns) for f in part] == [(2, 80_000_000), (3, 120_000_000)]
    assert len(open_video(video, INTRINSICS).section(2, 400)) == 3


def test_the_calibration_may_lie_beside_the_file(video: Path, room: RoomSequence) -> None:
    with pytest.raises(CalibrationError, match=r"room\.yaml"):
        open_video(video)
    write_camera_info(video.with_suffix(".yaml"), room.calibration, "room")
    assert open_video(video).calibration == room.calibration


def test_missing_frames_at_the_end_are_counted(
    video: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sequence = open_video(video, INTRINSICS)
    sequence.announced = 8
    with caplog.at_level(logging.WARNING):
        assert len(list(sequence)) == 5
    assert sequence.dropped == 3
    assert "3 announced frames" in caplog.text


@pytest.mark.parametrize("kept", [0, 50])
def test_a_file_that_is_no_video_is_refused(video: Path, kept: int) -> None:
    video.write_bytes(video.read_bytes()[:kept])
    with pytest.raises(SequenceError, match=r"room\.avi"):
        open_video(video, INTRINSICS)


# The matrix of a track in the header of an MP4, as phones write it.
ONE = 0x10000
MATRICES = {
    0: (ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30),
    90: (0, ONE, 0, -ONE, 0, 0, 0, 0, 1 << 30),
    180: (-ONE, 0, 0, 0, -ONE, 0, 0, 0, 1 << 30),
    270: (0, -ONE, 0, ONE, 0, 0, 0, 0, 1 << 30),
}


@pytest.fixture
def phone(tmp_path: Path) -> Callable[[int], Path]:
    """Writes a video of 96x64, bright in its first rows, to be turned by an angle."""

    def write(degrees: int) -> Path:
        path = tmp_path / f"phone{degrees}.mp4"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 30.0, (96, 64))
        assert writer.isOpened()
        image = np.zeros((64, 96, 3), np.uint8)
        image[:16] = 220
        for _ in range(4):
            writer.write(image)
        writer.release()
        data = bytearray(path.read_bytes())
        place = data.index(b"tkhd") + 44
        assert data[place : place + 36] == struct.pack(">9i", *MATRICES[0])
        data[place : place + 36] = struct.pack(">9i", *MATRICES[degrees])
        path.write_bytes(data)
        return path

    return write


@pytest.mark.parametrize("degrees", [90, 180, 270])
@pytest.mark.parametrize("by", ["text", "file", "calibration"])
def test_a_turned_video_with_the_calibration_of_the_sensor_is_not_turned(
    phone: Callable[[int], Path], degrees: int, by: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = phone(degrees)
    camera = Calibration(96, 64, 90.0, 91.0, 48.0, 30.0)
    source = {"text": "90,91,48,30", "file": None, "calibration": camera}[by]
    if by == "file":
        write_camera_info(path.with_suffix(".yaml"), camera, "phone")
    with caplog.at_level(logging.WARNING):
        sequence = open_video(path, source)
    frames = list(sequence)
    assert (len(frames), sequence.dropped) == (4, 0)
    assert sequence.calibration == camera
    assert frames[0].image.shape == (64, 96, 3)
    assert frames[0].image[:12].mean() > 180
    assert f"rotation of {degrees} degrees: its images are not turned" in caplog.text


@pytest.mark.parametrize("degrees", [90, 270])
@pytest.mark.parametrize("by", ["text", "calibration"])
def test_a_turned_video_with_the_calibration_of_the_turned_image_is_turned(
    phone: Callable[[int], Path], degrees: int, by: str, caplog: pytest.LogCaptureFixture
) -> None:
    camera = Calibration(64, 96, 91.0, 90.0, 30.0, 48.0)
    with caplog.at_level(logging.WARNING):
        sequence = open_video(phone(degrees), "91,90,30,48" if by == "text" else camera)
    frames = list(sequence)
    assert sequence.calibration == camera
    assert frames[0].image.shape == (96, 64, 3)
    bright = frames[0].image.mean(axis=(0, 2))
    assert (bright[-1] > bright[0]) == (degrees == 90)
    assert "its images are turned" in caplog.text


def test_a_calibration_that_fits_neither_way_is_refused(phone: Callable[[int], Path]) -> None:
    with pytest.raises(CalibrationError, match="96x64"):
        open_video(phone(90), Calibration(97, 64, 90.0, 91.0, 48.0, 30.0))
    with pytest.raises(CalibrationError, match="no calibration"):
        open_video(phone(90))


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["mp4", "avi"])
def test_any_damage_is_counted_or_one_error(
    video: Path, phone: Callable[[int], Path], suffix: str
) -> None:
    path, calibration = (video, INTRINSICS) if suffix == "avi" else (phone(90), "90,91,48,30")
    whole = path.read_bytes()

    @given(st.floats(0.0, 0.999), st.integers(-3, 7))
    @settings(max_examples=40, deadline=None)
    def damage(share: float, bit: int) -> None:
        """Flip a bit, or cut the file where ``bit`` is negative."""
        place = int(share * len(whole))
        damaged = bytearray(whole)
        if bit < 0:
            del damaged[place:]
        else:
            damaged[place] ^= 1 << bit
        path.write_bytes(damaged)
        try:
            sequence = open_video(path, calibration)
            count = sum(1 for _ in sequence)
        except DensebaError as error:
            message = str(error)
            assert "\n" not in message
        else:
            assert count + sequence.dropped == len(sequence)

    damage()
