"""Images that decode but show nothing are named."""

from __future__ import annotations

import numpy as np
import pytest

from denseba_ros.sequences.brightness.image_check import ImageCheck

NOISE = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("image", "word"),
    [
        (np.zeros_like(NOISE), "black"),
        (np.full_like(NOISE, 255), "white"),
        (np.full_like(NOISE, 90), "one brightness"),
        (NOISE, ""),
    ],
)
def test_a_single_image(image: np.ndarray, word: str) -> None:
    wrong = ImageCheck().check(0, image)
    assert word in wrong
    assert bool(wrong) == bool(word)


def test_the_same_pixels_for_a_second_are_a_frozen_camera() -> None:
    check = ImageCheck()
    assert [check.check(k * SECOND // 2, NOISE) for k in range(2)] == ["", ""]
    assert "frozen" in check.check(SECOND, NOISE)
    assert check.is_frozen
    moved = np.roll(NOISE, 1, axis=1)
    assert check.check(SECOND + 1, moved) == ""


def test_time_that_jumps_back_is_no_frozen_camera() -> None:
    check = ImageCheck()
    check.check(100 * SECOND, NOISE)
    assert check.check(0, NOISE) == ""


def test_a_simulated_camera_may_stand_still_without_noise() -> None:
    check = ImageCheck(frozen_after=0.0)
    assert [check.check(k * SECOND, NOISE) for k in range(9)] == [""] * 9
