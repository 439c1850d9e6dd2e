"""Frames forth and back: continuing stamps, no jump, no frame shown twice in a row."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from denseba_ros.benchmark.system.palindrome import palindrome
from denseba_ros.errors import SequenceError
from denseba_ros.sequences.sequence import StampedImage


def _frames(count: int) -> list[StampedImage]:
    return [StampedImage(i, 1000 + 50 * i, np.full((2, 2), i, np.uint8)) for i in range(count)]


@given(length=st.integers(2, 20), count=st.integers(0, 100))
def test_neighbours_stay_neighbours(length: int, count: int) -> None:
    played = list(palindrome(_frames(length), count))
    assert len(played) == count
    shown = [int(frame.image[0, 0]) for frame in played]
    assert all(abs(b - a) == 1 for a, b in itertools.pairwise(shown))
    assert [frame.index for frame in played] == list(range(count))
    assert [frame.stamp_ns for frame in played] == [1000 + 50 * i for i in range(count)]


def test_it_turns_at_both_ends() -> None:
    shown = [int(frame.image[0, 0]) for frame in palindrome(_frames(3), 8)]
    assert shown == [0, 1, 2, 1, 0, 1, 2, 1]


def test_one_frame_cannot_be_played_back() -> None:
    with pytest.raises(SequenceError, match="1 frames"):
        list(palindrome(_frames(1), 5))
