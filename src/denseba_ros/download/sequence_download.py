"""One sequence of a benchmark into a folder that `denseba run` reads."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from urllib.parse import urlparse

from denseba_ros.download.dataset_table import Part
from denseba_ros.download.remote_file import fetch, is_seekable, remote_file
from denseba_ros.download.unpacking import unpack_tar, unpack_zip

_ARCHIVES = ".archives"


def download(parts: list[Part], folder: Path) -> int:
    """All parts into ``folder``; returns the number of files. Again: what is there stays.

    Of a zip archive only the members are read where the server allows byte ranges; else, and of a
    tar archive, the whole is kept until it is unpacked.

    Raises:
        DownloadError: when something cannot be read or is damaged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return sum(_download_part(part, folder) for part in parts)


def _download_part(part: Part, folder: Path) -> int:
    if part.members and not part.nested and _is_zip(part.archive):
        with remote_file(part.archive) as file:
            if is_seekable(file):
                return unpack_zip(file, part, folder)
    if part.nested:
        return _download_nested(part, folder)
    return _unpack(_whole(part, folder), part, folder)


def _download_nested(part: Part, folder: Path) -> int:
    """A zip archive that is a member of one."""
    inner = folder / _ARCHIVES / PurePosixPath(part.members).name
    outer = part.model_copy(update={"to": inner.name, "nested": False})
    if not inner.is_file():
        _download_part(outer, inner.parent)
    unpacked = part.model_copy(update={"archive": str(inner), "members": "", "nested": False})
    return _unpack(inner, unpacked, folder)


def _whole(part: Part, folder: Path) -> Path:
    path = folder / _ARCHIVES / PurePosixPath(urlparse(part.archive).path).name
    if not path.is_file():
        fetch(part.archive, path, part.sha256)
    return path


def _unpack(path: Path, part: Part, folder: Path) -> int:
    if _is_zip(path.name):
        with path.open("rb") as file:
            count = unpack_zip(file, part, folder)
    else:
        count = unpack_tar(path, part, folder)
    path.unlink()
    if not any(path.parent.iterdir()):
        path.parent.rmdir()
    return count


def _is_zip(name: str) -> bool:
    return urlparse(name).path.endswith(".zip")
