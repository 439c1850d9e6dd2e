"""Sequences with cuts, and what is read off a run over them."""

from __future__ import annotations

import numpy as np
import pytest

from denseba_ros.benchmark.system.recovery import BLACK, Cuts, Played, interrupted, recoveries
from denseba_ros.errors import SequenceError
from denseba_ros.sequences.sequence import StampedImage


def frames(count: int) -> list[StampedImage]:
    return [StampedImage(k, 1000 + 10 * k, np.full((4, 6), 9, np.uint8)) for k in range(count)]


def test_cuts_go_back_and_on_to_the_end() -> None:
    played = list(interrupted(frames(7), Cuts(every=4, black=2, back=1)))
    assert [one.index for one in played] == [0, 1, 2, 3, BLACK, BLACK, 3, 4, 5, 6]
    assert [one.stamp_ns for one in played] == [1000 + 10 * k for k in range(10)]
    assert not played[4].image.any()
    assert played[3].image.all()


@pytest.mark.parametrize("cuts", [Cuts(4, 2, 4), Cuts(7, 2, 1), Cuts(4, 0, 1), Cuts(4, 1, -1)])
def test_cuts_that_do_not_fit_are_refused(cuts: Cuts) -> None:
    with pytest.raises(SequenceError, match="cannot be played"):
        list(interrupted(frames(7), cuts))


def at(index: int, x: float, tracked: bool = True) -> Played:
    return Played(index, tracked, np.array([x, 0.0, 0.0]), 0.5)


def test_images_offset_and_path_of_each_cut() -> None:
    dark = at(BLACK, 9.0, tracked=False)
    found_late = [at(1, 0.0, tracked=False), at(2, 2.5)]
    never = [at(2, 0.0, tracked=False)]
    first = [at(0, 0.0), at(1, 1.0), at(2, 2.0), at(3, 3.0)]
    late, lost = recoveries([*first, dark, dark, *found_late, dark, *never])
    assert (late.frame, late.images, late.path) == (1, 2, 3.0)
    assert late.offset == pytest.approx(0.5)
    assert late.seconds == 0.5
    assert lost.images is None
    assert lost.offset is None
