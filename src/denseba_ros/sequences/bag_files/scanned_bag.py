"""A bag file that is read without its index, with the methods of rosbags' reader."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from rosbags.highlevel import AnyReaderError
from rosbags.serde import SerdeError
from rosbags.typesys import Stores, get_typestore

from denseba_ros.errors import SequenceError
from denseba_ros.sequences.bag_files import mcap_scan, ros1_scan
from denseba_ros.sequences.bag_files.scanned_records import (
    ScannedConnection,
    ScannedMessage,
    ScannedRecord,
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScannedTopic:
    """A topic: its type as in ROS 2, and the number of its messages."""

    msgtype: str
    msgcount: int


class ScannedBag:
    """The messages of an MCAP file or ROS 1 bag up to where it can be read.

    Raises:
        SequenceError: when nothing of it can be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            beginning = file.read(len(ros1_scan.MAGIC))
        self.is_ros1 = beginning == ros1_scan.MAGIC
        if not self.is_ros1 and not beginning.startswith(mcap_scan.MAGIC):
            raise SequenceError(f"{path}: is no bag file that can be read")
        self._typestore = get_typestore(Stores.ROS1_NOETIC if self.is_ros1 else Stores.ROS2_JAZZY)
        state = path.stat()
        self._by_key, self._counts = _contents(path, state.st_mtime_ns, state.st_size)

    @property
    def connections(self) -> list[ScannedConnection]:
        """The topics of the file."""
        return list(self._by_key.values())

    @property
    def topics(self) -> dict[str, ScannedTopic]:
        """Type and number of messages of each topic."""
        totals: Counter[str] = Counter()
        for key, connection in self._by_key.items():
            totals[connection.topic] += self._counts[key]
        return {c.topic: ScannedTopic(c.msgtype, totals[c.topic]) for c in self.connections}

    def messages(
        self, connections: Collection[Any]
    ) -> Iterator[tuple[ScannedConnection, int, bytes]]:
        """Connection, recording time in ns and data of the messages, in the order of the file."""
        wanted = {c.topic for c in connections}
        for record in _scan(self.path):
            if isinstance(record, ScannedMessage) and record.key in self._by_key:
                connection = self._by_key[record.key]
                if connection.topic in wanted:
                    yield connection, record.time_ns, record.data

    def deserialize(self, data: bytes, msgtype: str) -> object:
        """The message.

        Raises:
            AnyReaderError: when it is damaged.
        """
        try:
            if self.is_ros1:
                return self._typestore.deserialize_ros1(data, msgtype)
            return self._typestore.deserialize_cdr(data, msgtype)
        except SerdeError as error:
            raise AnyReaderError(str(error)) from error


def _scan(path: Path) -> Iterator[ScannedRecord]:
    with path.open("rb") as file:
        is_ros1 = file.read(len(ros1_scan.MAGIC)) == ros1_scan.MAGIC
    return ros1_scan.scan_ros1(path) if is_ros1 else mcap_scan.scan_mcap(path)


@lru_cache(maxsize=16)
def _contents(
    path: Path, mtime_ns: int, size: int
) -> tuple[dict[int, ScannedConnection], Counter[int]]:
    """The topics and the number of messages of each, by key; read and said once for a file."""
    connections: dict[int, ScannedConnection] = {}
    counts: Counter[int] = Counter()
    damages: Counter[str] = Counter()
    for record in _scan(path):
        if isinstance(record, ScannedConnection):
            connections.setdefault(record.key, record)
        elif isinstance(record, ScannedMessage):
            counts[record.key] += 1
        else:
            damages[record.what] += 1
    said = ", ".join(what if n == 1 else f"{what} ({n} times)" for what, n in damages.items())
    total = counts.total()
    _log.warning("%s: %s; %d messages can be read", path, said or "it has no index", total)
    return connections, counts
