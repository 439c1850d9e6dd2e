"""What a bag file holds, record by record, when it is read without its index."""

from __future__ import annotations

from typing import NamedTuple


class ScannedConnection(NamedTuple):
    """A topic of the file: ``key`` names it in the messages, ``msgtype`` as in ROS 2."""

    key: int
    topic: str
    msgtype: str


class ScannedMessage(NamedTuple):
    """A serialised message with the time of its recording."""

    key: int
    time_ns: int
    data: bytes


class Damage(NamedTuple):
    """A part that cannot be read."""

    what: str


ScannedRecord = ScannedConnection | ScannedMessage | Damage
