"""What happens to images whose time does not go forward."""

from __future__ import annotations

from denseba_ros.nodes.inputs.timestamp_monitor import TimestampMonitor, TimestampVerdict

SECOND = 1_000_000_000


def test_verdicts() -> None:
    monitor = TimestampMonitor()
    stamps = [10 * SECOND, 10 * SECOND, 11 * SECOND, 10 * SECOND, 12 * SECOND, 0, 1]
    assert [monitor.check(stamp) for stamp in stamps] == [
        TimestampVerdict.ACCEPT,
        TimestampVerdict.DUPLICATE,
        TimestampVerdict.ACCEPT,
        TimestampVerdict.BACKWARDS,
        TimestampVerdict.ACCEPT,
        TimestampVerdict.RESTART,
        TimestampVerdict.ACCEPT,
    ]


def test_after_a_reset_any_stamp_will_do() -> None:
    monitor = TimestampMonitor()
    monitor.check(5)
    monitor.reset()
    assert monitor.check(5) is TimestampVerdict.ACCEPT


def test_a_gap_is_named_with_its_length() -> None:
    monitor = TimestampMonitor()
    monitor.check(SECOND)
    assert monitor.check(2 * SECOND) is TimestampVerdict.ACCEPT
    assert monitor.check(5 * SECOND) is TimestampVerdict.GAP
    assert monitor.gap_ns == 3 * SECOND
    assert monitor.check(6 * SECOND) is TimestampVerdict.ACCEPT
