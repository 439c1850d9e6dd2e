"""Video files, written here by OpenCV's own MJPEG."""

import logging
from pathlib import Path

import cv2
import numpy as np
import pytest

from denseba_ros.errors import CalibrationError, SequenceError
from denseba_ros.sequences.camera_info import write_camera_info
from denseba_ros.sequences.readers.video import open_video
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
