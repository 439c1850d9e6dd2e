"""What happens to images whose time does not go forward."""

from __future__ import annotations

from denseba_ros.nodes.inputs.timestamp_monitor import TimestampMonitor, TimestampVerdict

SECOND = 1_000_000_000


def test_verdicts() -> None:
    guard = TimestampMonitor()
    stamps = [10 * SECOND, 10 * SECOND, 11 * SECOND, 10 * SECOND, 12 * SECOND, 0, 1]
    assert [guard.check(stamp) for stamp in stamps] == [
        TimestampVerdict.ACCEPT,
        TimestampVerdict.DUPLICATE,
        TimestampVerdict.ACCEPT,
        TimestampVerdict.BACKWARDS,
        TimestampVerdict.ACCEPT,
        TimestampVerdict.RESTART,
        TimestampVerdict.ACCEPT,
    ]


def test_after_a_reset_any_stamp_will_do() -> None:
    guard = TimestampMonitor()
    guard.check(5)
    guard.reset()
    assert guard.check(5) is TimestampVerdict.ACCEPT


def test_a_gap_is_named_with_its_length() -> None:
    guard = TimestampMonitor()
    guard.check(SECOND)
    assert guard.check(2 * SECOND) is TimestampVerdict.ACCEPT
    assert guard.check(5 * SECOND) is TimestampVerdict.GAP
    assert guard.gap_ns == 3 * SECOND
    assert guard.check(6 * SECOND) is TimestampVerdict.ACCEPT
