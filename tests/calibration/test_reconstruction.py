from __future__ import annotations

import sys

import cv2
import numpy as np
import pytest

from denseba_ros.calibration import reconstruction
from denseba_ros.calibration.estimate import estimate_camera
from denseba_ros.errors import ConfigurationError, SequenceError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.geometry.distortion import undistort
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.sequences.sequence import StampedImage

SIZE = (480, 360)
LENS = Calibration(*SIZE, 450.0, 450.0, 243.0, 178.0, "plumb_bob", (-0.3, 0.0, 0.0, 0.0))


def through_lens(count: int) -> list[StampedImage]:
    """The room as a camera with the distortion of LENS sees it while it goes round."""
    room = RoomSequence("loop", frames=2 * count)
    wide = Calibration(820, 620, 450.0, 450.0, 409.5, 309.5)
    u, v = np.meshgrid(np.arange(SIZE[0], dtype=float), np.arange(SIZE[1], dtype=float))
    seen = np.stack([(u.ravel() - LENS.cx) / LENS.fx, (v.ravel() - LENS.cy) / LENS.fy], axis=-1)
    rays = undistort(seen, LENS)
    x, y = (450.0 * rays + [wide.cx, wide.cy]).T.astype(np.float32).reshape(2, *SIZE[::-1])
    frames = []
    for k in range(count):
        image = room._renderer().brightness(wide, room.pose(2 * k)).astype(np.float32)
        lens = np.clip(cv2.remap(image, x, y, cv2.INTER_CUBIC), 0, 255)
        frames.append(StampedImage(k, k, lens.astype(np.uint8)))
    return frames


@pytest.mark.slow
def test_the_lens_of_the_rendered_room_is_found() -> None:
    pytest.importorskip("pycolmap")
    found = estimate_camera(through_lens(50), SIZE, views=20, sections=1)
    assert found.camera[0] == pytest.approx(LENS.fx, rel=0.02)
    assert found.camera[4] == pytest.approx(-0.3, abs=0.02)
    assert found.camera[2:4] == pytest.approx([LENS.cx, LENS.cy], abs=6.0)
    assert found.deviation[0] < 0.03 * LENS.fx


@pytest.mark.slow
def test_images_that_show_nothing_are_refused() -> None:
    pytest.importorskip("pycolmap")
    rng = np.random.default_rng(0)
    noise = [StampedImage(k, k, rng.integers(0, 255, (120, 160), dtype=np.uint8)) for k in range(9)]
    with pytest.raises(SequenceError, match="could be put together"):
        estimate_camera(noise, (160, 120), views=9, sections=1)


def test_without_pycolmap_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycolmap", None)
    with pytest.raises(ConfigurationError, match=r"denseba_ros\[calibrate\]"):
        reconstruction.load_pycolmap()
