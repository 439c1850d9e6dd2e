"""One process at a time writes a map file."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from denseba_ros.errors import MapFileError

# A writer that stops takes its lock file away; whoever had just opened that tries again.
_TRIES = 20


class WriterLock:
    """Holds ``FILE.lock`` beside the map until ``release``, or until the process ends in any way.

    The lock is the system's (flock), so that none stays when a process is killed; a file left over
    locks nothing. Readers need no lock. It is a file of its own, because closing SQLite's file a
    second time would free SQLite's own locks.
    """

    def __init__(self, path: Path) -> None:
        """Take the lock of the map at ``path``.

        Raises:
            MapFileError: when another writer has it, or the folder cannot be written.
        """
        self._path = path.with_name(f"{path.name}.lock")
        self._file = self._taken(path)
        # A full disk may refuse the number: the lock holds without it.
        with contextlib.suppress(OSError):
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let the next writer in."""
        with contextlib.suppress(OSError):
            self._path.unlink()
        os.close(self._file)

    def _taken(self, path: Path) -> int:
        for _ in range(_TRIES):
            try:
                file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            except OSError as error:
                reason = error.strerror
                raise MapFileError(f"{path} cannot be written: {self._path}: {reason}") from error
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                holder = _holder(file)
                os.close(file)
                raise MapFileError(
                    f"{path} is being written by {holder}; two cannot write one map. Stop that "
                    "first, or save to another file"
                ) from error
            if self._is_the_file(file):
                return file
            os.close(file)
        raise MapFileError(f"{path}: {self._path} comes and goes; try again")

    def _is_the_file(self, file: int) -> bool:
        """Whether the open file is still the one that has the name."""
        try:
            return os.path.samestat(os.fstat(file), self._path.stat())
        except OSError:
            return False


def _holder(file: int) -> str:
    text = os.pread(file, 32, 0).decode(errors="replace").strip()
    if not text.isdigit():
        return "another process"
    return "this process already" if int(text) == os.getpid() else f"process {text}"
