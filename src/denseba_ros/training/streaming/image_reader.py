"""Reads images from local and remote storage, with deadlines and retries.

Locations are those of fsspec: paths, file://, http(s)://, s3://, az:// with their drivers.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlparse

import cv2
import fsspec
import numpy as np
import tenacity
from numpy.typing import NDArray

from denseba_ros.errors import ImageError
from denseba_ros.sequences.encodings import decode_compressed

Grey = NDArray[np.uint8]


@dataclass(frozen=True)
class ReaderSettings:
    """``deadline`` in seconds of one request, number of ``attempts`` per image, and ``pause`` in
    seconds after the first failure, doubled after each further one, at most ``longest_pause``."""

    deadline: float = 10.0
    attempts: int = 6
    pause: float = 0.2
    longest_pause: float = 10.0


class ImageReader:
    """Reads complete images within a bounded time; thread-safe. ``requests`` counts attempts."""

    def __init__(self, settings: ReaderSettings | None = None) -> None:
        """Default settings if None."""
        self._settings = settings or ReaderSettings()
        self._lock = threading.Lock()
        self.requests = 0

    def read(self, location: str) -> Grey:
        """The grey image (H, W) uint8 at a location.

        Raises:
            ImageError: when every attempt failed, with the reason of the last one.
        """
        s = self._settings
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(s.attempts),
            wait=tenacity.wait_exponential(s.pause, s.longest_pause)
            + tenacity.wait_random(0, s.pause),
            retry=tenacity.retry_if_exception_type(ImageError),
            reraise=True,
        )
        return retrying(self._attempt, location)

    def _attempt(self, location: str) -> Grey:
        with self._lock:
            self.requests += 1
        data = _before_deadline(location, self._settings.deadline)
        suffix = PurePosixPath(urlparse(location).path).suffix
        try:
            image = decode_compressed(data, suffix)
        except ImageError as error:
            raise ImageError(f"{location}: {error}") from error
        grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        return np.asarray(grey, np.uint8)


def _before_deadline(location: str, deadline: float) -> bytes:
    """The content, fetched by a thread of its own, which is abandoned when it hangs.

    Drivers have time limits of their own, but none for the whole request, and some have none.
    """
    answer: queue.SimpleQueue[bytes | Exception] = queue.SimpleQueue()

    def fetch() -> None:
        try:
            filesystem, path = fsspec.core.url_to_fs(location)
            answer.put(filesystem.cat_file(path))
        except Exception as error:
            # Drivers raise errors of any class.
            answer.put(error)

    threading.Thread(target=fetch, daemon=True, name=f"read {location}").start()
    try:
        result = answer.get(timeout=deadline)
    except queue.Empty:
        raise ImageError(f"{location}: no answer within {deadline:g} s") from None
    if isinstance(result, Exception):
        raise ImageError(f"{location}: {type(result).__name__}: {result}") from result
    return result
