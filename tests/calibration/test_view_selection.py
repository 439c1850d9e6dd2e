from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from denseba_ros.calibration.view_selection import View, best_sections, choose_views
from denseba_ros.errors import SequenceError
from denseba_ros.sequences.sequence import StampedImage


def sliding(step: float, count: int, blurred: tuple[int, ...] = ()) -> list[StampedImage]:
    """A textured plane that moves by ``step`` pixels of 320 an image."""
    rng = np.random.default_rng(0)
    plane = cv2.GaussianBlur(rng.uniform(0, 255, (240, 900)).astype(np.float32), (0, 0), 2.0)
    plane = cv2.normalize(plane, None, 0, 255, cv2.NORM_MINMAX)
    frames = []
    for index in range(count):
        M = np.array([[1.0, 0.0, -index * step], [0.0, 1.0, 0.0]])
        image = cv2.warpAffine(plane, M, (320, 240)).astype(np.uint8)
        if index in blurred:
            image = cv2.GaussianBlur(image, (0, 0), 2.0)
        frames.append(StampedImage(index, index, image))
    return frames


def chosen(frames: list[StampedImage], folder: Path) -> list[int]:
    (section,) = choose_views(frames, folder, 100, 1)
    assert all(view.path.is_file() for view in section)
    return [int(view.path.stem) for view in section]


def test_images_are_a_step_apart(tmp_path: Path) -> None:
    """3 % of 320 are 9.6 pixels, of which the sharpest from 6.7 on is taken."""
    indices = chosen(sliding(2.0, 60), tmp_path)
    assert set(np.diff(indices)) <= {4, 5}


def test_of_the_images_near_a_step_the_sharp_one_is_taken(tmp_path: Path) -> None:
    indices = chosen(sliding(2.0, 60, blurred=tuple(range(5, 60, 5))), tmp_path)
    assert not any(index % 5 == 0 for index in indices[1:])


def test_a_camera_that_stands_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match="moves too little"):
        choose_views(sliding(0.0, 30), tmp_path, 30, 2)


def test_the_sections_with_turns_and_parallax_are_taken() -> None:
    dull = [View(Path(f"{i}"), 0.1, 5.0) for i in range(40)]
    turning = [View(Path(f"t{i}"), 6.0, 5.0) for i in range(20)]
    sections = best_sections([*dull, *turning, *dull], 20, 2)
    assert len(sections) == 2
    assert sum(view.path.name.startswith("t") for view in [*sections[0], *sections[1]]) == 20


def test_a_short_clip_is_one_section() -> None:
    views = [View(Path(f"{i}"), 1.0, 1.0) for i in range(12)]
    assert best_sections(views, 20, 2) == [views]
