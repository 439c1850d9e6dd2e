from pathlib import Path

import pytest

from denseba_ros.errors import SequenceError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.training.depth import depth_image_files
from denseba_ros.training.depth.depth_image_files import depth_camera, depth_files, open_images
from denseba_ros.training.depth.depth_sources import DepthSource


def test_depth_images_belong_to_images_of_their_number(rgbd_folder: Path) -> None:
    sequence = open_images(rgbd_folder)
    source = DepthSource(kind="rgbd", depth="depth", start=1, stop=4)
    assert {k: p.name for k, p in depth_files(source, rgbd_folder, sequence).items()} == {
        2: "00002.png"
    }
    # Images are not their own depth.
    assert depth_files(DepthSource(kind="rgbd", depth="images"), rgbd_folder, sequence) == {}


def test_depth_has_the_camera_of_the_images_unless_told_otherwise() -> None:
    camera = Calibration(80, 60, 70.0, 72.0, 41.0, 29.0)
    assert depth_camera(DepthSource(kind="rgbd"), camera, 40, 30) == camera.resized(40, 30)
    own = DepthSource(kind="rgbd", depth_intrinsics=(50.0, 51.0, 20.0, 15.0))
    assert depth_camera(own, camera, 40, 30) == Calibration(40, 30, 50.0, 51.0, 20.0, 15.0)


def test_only_image_files_are_learnt_from(
    small_room: RoomSequence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(depth_image_files, "open_sequence", lambda folder, fps: small_room)
    with pytest.raises(SequenceError, match="not a sequence of image files"):
        open_images(tmp_path)
