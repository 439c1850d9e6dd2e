"""How frames that are not used are counted and said."""

from __future__ import annotations

import logging

import pytest

from denseba_ros.sequences.stamps.frame_drops import FrameDrops, drops_in_words, is_much


def test_one_reason_and_several() -> None:
    assert drops_in_words({}, 36) == ""
    assert (
        drops_in_words({"stamps go back": 24}, 36)
        == "12 of 36 images used, 24 dropped: stamps go back"
    )
    several = drops_in_words({"unreadable": 1, "no stamp": 2}, 10)
    assert several == "7 of 10 images used, 3 dropped: 2 no stamp, 1 unreadable"


def test_more_than_a_tenth_is_much() -> None:
    assert not is_much({"unreadable": 1}, 10)
    assert is_much({"unreadable": 1, "no stamp": 1}, 10)


def test_only_the_first_of_each_reason_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    drops = FrameDrops()
    with caplog.at_level(logging.WARNING):
        for i in range(5):
            drops.drop("unreadable", f"{i}.png", "truncated")
    assert drops == {"unreadable": 5}
    assert [r.getMessage() for r in caplog.records] == [
        "left out 0.png: unreadable: truncated; more of them are only counted"
    ]
