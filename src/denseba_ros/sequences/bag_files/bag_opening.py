"""Opens the files of a recording by rosbags, and those that were cut off without their index."""

from __future__ import annotations

import heapq
import logging
import sys
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.typesys import Stores, get_typestore

from denseba_ros.errors import DensebaError, SequenceError
from denseba_ros.sequences.bag_files.bag_paths import storage_files
from denseba_ros.sequences.bag_files.scanned_bag import ScannedBag, ScannedTopic
from denseba_ros.sequences.bag_files.sqlite_size import what_is_cut

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_log = logging.getLogger(__name__)

_ZSTD = b"\x28\xb5\x2f\xfd"
_BLOCK = 1 << 20
_Part = AnyReader | ScannedBag


class BagReader:
    """The messages of all files of a recording in order of their recording time."""

    def __init__(self, parts: list[_Part]) -> None:
        self._parts = parts

    @property
    def topics(self) -> dict[str, ScannedTopic]:
        """Type and number of messages of each topic."""
        topics: dict[str, ScannedTopic] = {}
        for part in self._parts:
            for name, info in part.topics.items():
                before = topics[name].msgcount if name in topics else 0
                topics[name] = ScannedTopic(info.msgtype or "", before + info.msgcount)
        return topics

    def messages(self, topic: str) -> Iterator[tuple[int, bytes, str]]:
        """Recording time in ns, data and type of the messages of a topic."""
        parts = [self._of_part(part, topic) for part in self._parts]
        yield from heapq.merge(*parts, key=lambda message: message[0])

    def deserialize(self, data: bytes, msgtype: str) -> Any:
        """The message; the type is that of a topic.

        Raises:
            AnyReaderError: when it is damaged.
        """
        part = next(p for p in self._parts if any(c.msgtype == msgtype for c in p.connections))
        return part.deserialize(data, msgtype)

    def _of_part(self, part: _Part, topic: str) -> Iterator[tuple[int, bytes, str]]:
        connections: Collection[Any] = [c for c in part.connections if c.topic == topic]
        is_ros1 = part.is_ros1 if isinstance(part, ScannedBag) else not part.is2
        if connections:
            for connection, time_ns, data in part.messages(connections):
                yield time_ns, data if is_ros1 else _uncompressed(data), connection.msgtype


@contextmanager
def opened_bag(path: Path) -> Iterator[BagReader]:
    """The open recording at ``path``, a file or a folder.

    Raises:
        SequenceError: when it cannot be read, then or later.
    """
    with ExitStack() as stack:
        try:
            yield BagReader(_parts(path, stack))
        except DensebaError:
            raise
        except Exception as error:
            # A damaged file makes rosbags, and the libraries below it, fail in any way.
            for file in storage_files(path):
                if file.suffix == ".db3" and (cut := what_is_cut(file)):
                    raise SequenceError(cut) from error
            raise SequenceError(f"{path}: the bag cannot be read: {_reason(error)}") from error


def _parts(path: Path, stack: ExitStack) -> list[_Part]:
    if path.is_dir() and (path / "metadata.yaml").is_file() and path.suffix != ".bag":
        try:
            return [_indexed([path], stack)]
        except Exception as error:
            files = storage_files(path)
            if not files:
                raise
            _log.warning("%s: read without metadata.yaml: %s", path, _reason(error))
    files = storage_files(path)
    if not files:
        raise SequenceError(f"{path}: has no file of a bag")
    whole = [_unpacked(file, stack) for file in files]
    try:
        return [_indexed(whole, stack)]
    except Exception:
        return [_single(file, stack) for file in whole]


def _single(file: Path, stack: ExitStack) -> _Part:
    """By its index if it has one; files of sqlite3 cannot be read in another way."""
    try:
        return _indexed([file], stack)
    except Exception:
        if file.suffix == ".db3":
            raise
        return ScannedBag(file)


def _indexed(paths: list[Path], stack: ExitStack) -> AnyReader:
    store = get_typestore(Stores.ROS2_JAZZY)
    reader = AnyReader(paths, default_typestore=store)
    return stack.enter_context(reader)


def _unpacked(file: Path, stack: ExitStack) -> Path:
    """The file, or what of a .zstd can be decompressed, in a folder that is deleted at the end."""
    if file.suffix != ".zstd":
        return file
    folder = stack.enter_context(TemporaryDirectory())
    unpacked = Path(folder) / file.stem
    try:
        with zstd.open(file, "rb") as source, unpacked.open("wb") as target:
            while block := source.read(_BLOCK):
                target.write(block)
    except (zstd.ZstdError, EOFError):
        _log.warning("%s: its compression is cut or damaged", file)
    return unpacked


def _reason(error: Exception) -> str:
    """What rosbags or the system says; other errors only mean that the content is wrong."""
    lines = str(error).strip().splitlines()
    says = isinstance(error, AnyReaderError | OSError) and lines
    return lines[0].rstrip(":") if says else "it is damaged"


def _uncompressed(data: bytes) -> bytes:
    """A message that rosbag2 compressed by itself; no message of ROS 2 begins as zstd does."""
    return zstd.decompress(data) if bytes(data[:4]) == _ZSTD else data
