"""What happens to images whose time does not go forward."""

from __future__ import annotations

from denseba_ros.nodes.inputs.timestamp_monitor import StampGuard, StampVerdict

SECOND = 1_000_000_000


def test_verdicts() -> None:
    guard = StampGuard()
    stamps = [10 * SECOND, 10 * SECOND, 11 * SECOND, 10 * SECOND, 12 * SECOND, 0, 1]
    assert [guard.check(stamp) for stamp in stamps] == [
        StampVerdict.ACCEPT,
        StampVerdict.DUPLICATE,
        StampVerdict.ACCEPT,
        StampVerdict.BACKWARDS,
        StampVerdict.ACCEPT,
        StampVerdict.RESTART,
        StampVerdict.ACCEPT,
    ]


def test_after_a_reset_any_stamp_will_do() -> None:
    guard = StampGuard()
    guard.check(5)
    guard.reset()
    assert guard.check(5) is StampVerdict.ACCEPT


def test_a_gap_is_named_with_its_length() -> None:
    guard = StampGuard()
    guard.check(SECOND)
    assert guard.check(2 * SECOND) is StampVerdict.ACCEPT
    assert guard.check(5 * SECOND) is StampVerdict.GAP
    assert guard.gap_ns == 3 * SECOND
    assert guard.check(6 * SECOND) is StampVerdict.ACCEPT
