"""Stamps: builtin_interfaces/Time in messages, integer nanoseconds everywhere else."""

from __future__ import annotations

from builtin_interfaces.msg import Time
from std_msgs.msg import Header

NANOSECONDS = 1_000_000_000


def stamp_to_ns(stamp: Time) -> int:
    """A message's stamp in nanoseconds."""
    return int(stamp.sec) * NANOSECONDS + int(stamp.nanosec)


def stamp_from_ns(stamp_ns: int) -> Time:
    """A message's stamp from nanoseconds."""
    seconds, nanoseconds = divmod(stamp_ns, NANOSECONDS)
    return Time(sec=seconds, nanosec=nanoseconds)


def make_header(stamp_ns: int, frame_id: str) -> Header:
    """A message's header from nanoseconds and the name of its frame."""
    return Header(stamp=stamp_from_ns(stamp_ns), frame_id=frame_id)
