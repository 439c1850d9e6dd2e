"""Each cause is logged at once, then with what was left out."""

from __future__ import annotations

from denseba_ros.nodes.base.throttled_logger import ThrottledLogger


def test_a_cause_is_logged_once_a_period_and_others_are_not_held_back() -> None:
    logged: list[str] = []
    logger = ThrottledLogger(logged.append, period=3600.0)
    for text in ("one", "two", "three"):
        logger.warn("cause", text)
    logger.warn("other", "four")
    assert logged == ["one", "four"]


def test_what_was_left_out_is_told_with_the_next() -> None:
    logged: list[str] = []
    logger = ThrottledLogger(logged.append, period=3600.0)
    for text in ("one", "two", "three"):
        logger.warn("cause", text)
    logger._period = 0.0
    logger.warn("cause", "four")
    logger.warn("cause", "five")
    assert logged == ["one", "four (2 more since the last time)", "five"]
