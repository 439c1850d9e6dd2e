"""The log of what a camera published, and when: one row for each image."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from denseba_ros.errors import DensebaError

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class Sent:
    """One published image: monotonic time ``at`` (s), stamp, number of its ``window`` in a script
    of faults (else 0), and ``place``, its index in the sequence."""

    at: float
    stamp_ns: int
    window: int
    place: int


class SentLog:
    """Appends a row for each image to ``file``; a context manager.

    ``flush``: each row is in the file at once, so that a killed camera loses none.

    Raises:
        DensebaError: when the file cannot be written.
    """

    def __init__(self, file: Path, *, flush: bool = False) -> None:
        try:
            self._rows = file.open("a", buffering=1 if flush else -1)
        except OSError as error:
            raise DensebaError(f"{file}: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._rows.close()

    def sending(self, stamp_ns: int, place: int, window: int = 0) -> None:
        """The image is published next."""
        self._rows.write(f"{time.monotonic()} {stamp_ns} {window} {place}\n")


def read_sent(text: str) -> list[Sent]:
    """Parse what ``SentLog`` wrote."""
    rows = [line.split() for line in text.splitlines()]
    return [Sent(float(row[0]), int(row[1]), int(row[2]), int(row[3])) for row in rows]
