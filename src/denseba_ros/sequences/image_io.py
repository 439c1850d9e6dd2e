"""Reading and writing image files, with a check for truncation."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from denseba_ros.errors import ImageError
from denseba_ros.sequences.encodings import ANY_CAMERA, Decoding, decode_compressed

IMAGE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".pgm", ".ppm", ".tif", ".tiff"}
)


def read_image(path: Path, how: Decoding = ANY_CAMERA) -> np.ndarray:
    """The image as uint8, (H, W) grey or (H, W, 3) BGR, without EXIF rotation.

    Raises:
        ImageError: when the file is missing, truncated, damaged or no image.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror or error}") from error
    return decode_image_file(data, path, how)


def decode_image_file(data: bytes, path: Path, how: Decoding = ANY_CAMERA) -> np.ndarray:
    """The image in the content of the file ``path``, as ``read_image``.

    Raises:
        ImageError: with the path, when it is truncated, damaged or no image.
    """
    try:
        return decode_compressed(data, path.suffix, how)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error


def write_image(path: Path, image: np.ndarray) -> None:
    """Write an image in the format of the suffix.

    Raises:
        ImageError: when it cannot be written.
    """
    try:
        written = cv2.imwrite(str(path), image)
    except cv2.error as error:
        raise ImageError(f"{path}: {error}") from error
    if not written:
        raise ImageError(f"{path}: could not be written")


def image_files(folder: Path) -> list[Path]:
    """Image files directly in ``folder``, in numeric then alphabetical order.

    Without hidden ones: macOS puts a ``._NAME`` beside every NAME on disks that are not its own.
    """
    if not folder.is_dir():
        return []
    paths = [p for p in folder.iterdir() if is_image_name(p.name)]
    return sorted(paths, key=_natural_key)


def is_image_name(name: str) -> bool:
    """Whether a file of this name is an image, and not hidden."""
    return not name.startswith(".") and Path(name).suffix.lower() in IMAGE_SUFFIXES


def file_number(path: Path) -> int | None:
    """The last run of digits in the name: 42 for ``frame-000042.color.png``, None without."""
    digits = ""
    for character in reversed(path.name.split(".")[0]):
        if character.isdigit():
            digits = character + digits
        elif digits:
            break
    return int(digits) if digits else None


def _natural_key(path: Path) -> tuple[int, str]:
    number = file_number(path)
    return (-1 if number is None else number, path.name)
