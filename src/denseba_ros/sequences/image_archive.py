"""Images inside of a zip file, read without unpacking it."""

from __future__ import annotations

import zipfile
import zlib
from functools import lru_cache
from pathlib import Path, PurePosixPath

import numpy as np

from denseba_ros.errors import ImageError, SequenceError
from denseba_ros.sequences.encodings import ANY_CAMERA, Decoding
from denseba_ros.sequences.image_io import decode_image_file, is_image_name

_READ_ERRORS = (OSError, KeyError, RuntimeError, NotImplementedError, zipfile.BadZipFile)


def archived_images(archive: Path) -> list[Path]:
    """Paths of the images inside of the archive, in the order of their names.

    Raises:
        SequenceError: when it is no zip file that can be read.
    """
    try:
        names = _opened(archive).namelist()
    except (OSError, zipfile.BadZipFile) as error:
        raise SequenceError(f"{archive}: no zip file that can be read") from error
    inside = [name for name in names if "__MACOSX" not in name]
    return [Path(name) for name in sorted(inside) if is_image_name(PurePosixPath(name).name)]


def read_archived_image(archive: Path, path: Path, how: Decoding = ANY_CAMERA) -> np.ndarray:
    """The image as uint8, (H, W) grey or (H, W, 3) BGR.

    Raises:
        ImageError: when it is missing or damaged.
    """
    try:
        data = _opened(archive).read(path.as_posix())
    except (*_READ_ERRORS, zlib.error, EOFError) as error:
        raise ImageError(f"{archive}: {path}: cannot be unpacked") from error
    return decode_image_file(data, path, how)


def _opened(archive: Path) -> zipfile.ZipFile:
    state = archive.stat()
    return _opened_once(archive, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=4)
def _opened_once(archive: Path, mtime_ns: int, size: int) -> zipfile.ZipFile:
    """The archive as long as it is the same file; its list of files is read once."""
    return zipfile.ZipFile(archive)
