"""Files on a server: seekable where it allows byte ranges, and downloads that can be resumed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO
from urllib.request import Request, urlopen

from tqdm import tqdm

from denseba_ros.errors import ConfigurationError, DownloadError

_BLOCK = 1 << 20
_SECONDS = 60.0


@contextmanager
def remote_file(address: str) -> Iterator[Any]:
    """The file, opened by fsspec; see ``is_seekable``.

    Raises:
        DownloadError: when it cannot be read.
        ConfigurationError: without fsspec.
    """
    try:
        import fsspec
        from aiohttp import ClientError
    except ImportError as error:
        raise ConfigurationError(
            "downloading needs fsspec: pip install 'denseba_ros[download]'"
        ) from error
    try:
        # Without ranges a stream from the beginning, which fsspec makes of blocks of size 0.
        block = _BLOCK if _allows_ranges(address) else 0
        with fsspec.open(address, "rb", block_size=block) as file:
            yield file
    except (ClientError, OSError, ValueError, TimeoutError) as error:
        reason = str(error) or type(error).__name__
        raise DownloadError(
            f"{address}: {reason}; what is there is kept: the same command goes on from it"
        ) from error


def _allows_ranges(address: str) -> bool:
    """Whether the server answers a request for the first byte with that alone."""
    request = Request(address, headers={"Range": "bytes=0-0"})
    with urlopen(request, timeout=_SECONDS) as answer:
        return bool(answer.status == HTTPStatus.PARTIAL_CONTENT)


def is_seekable(file: Any) -> bool:
    """Whether the server allows byte ranges, and said how large the file is."""
    return hasattr(file, "blocksize") and file.blocksize > 0 and bool(file.size)


def fetch(address: str, path: Path, sha256: str = "") -> None:
    """The whole file as ``path``; ``path``.part is what is there of it, and where it goes on.

    Raises:
        DownloadError: when it cannot be read, or is not what ``sha256`` says.
    """
    part = path.with_name(f"{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    with remote_file(address) as file:
        size = file.size if is_seekable(file) else None
        there = part.stat().st_size if part.is_file() and size is not None else 0
        if there > (size or 0):
            there = 0
        with part.open("ab" if there else "wb") as out:
            if there:
                file.seek(there)
            copy(file, out, size, there, path.name)
    if size is not None and part.stat().st_size != size:
        raise DownloadError(f"{address}: ended after {part.stat().st_size} of {size} bytes")
    if sha256 and digest(part) != sha256:
        part.unlink()
        raise DownloadError(f"{address}: is not the file whose checksum is known; removed")
    part.rename(path)


def copy(file: Any, out: BinaryIO, size: int | None, there: int, name: str) -> None:
    """Block by block, with a bar."""
    with tqdm(total=size, initial=there, unit="B", unit_scale=True, desc=name, disable=None) as bar:
        while block := file.read(_BLOCK):
            out.write(block)
            bar.update(len(block))


def digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            hashed.update(block)
    return hashed.hexdigest()
