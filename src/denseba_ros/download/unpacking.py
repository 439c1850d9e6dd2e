"""Files out of archives, on disk or on a server; none is written outside of its folder."""

from __future__ import annotations

import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from denseba_ros.download.dataset_table import Part
from denseba_ros.errors import DownloadError


def unpack_zip(file: Any, part: Part, folder: Path) -> int:
    """The members that ``part`` names; those that are there with their size are left alone.

    Returns how many there are. A member's own checksum (CRC-32) is compared.

    Raises:
        DownloadError: when the archive or a member is damaged, or it has none of them.
    """
    with _readable(part.archive), zipfile.ZipFile(file) as archive:
        wanted = [
            info
            for info in archive.infolist()
            if info.filename.startswith(part.members) and not info.is_dir()
        ]
        if not wanted:
            raise DownloadError(f"{part.archive}: has nothing named {part.members}")
        for info in tqdm(wanted, unit="file", desc=folder.name, disable=None):
            path = _place(info.filename, part, folder)
            if path.is_file() and path.stat().st_size == info.file_size:
                continue
            with archive.open(info) as member:
                _write(member, path)
        return len(wanted)


def unpack_tar(path: Path, part: Part, folder: Path) -> int:
    """All regular files of a tar archive; returns how many.

    Raises:
        DownloadError: when it is damaged.
    """
    count = 0
    with _readable(str(path)), tarfile.open(path) as archive:
        for info in archive:
            member = archive.extractfile(info) if info.isfile() else None
            if member is not None and info.name.startswith(part.members):
                _write(member, _place(info.name, part, folder))
                count += 1
    return count


@contextmanager
def _readable(name: str) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError) as error:
        raise DownloadError(f"{name}: is damaged ({error}); remove it and try again") from error


def _place(name: str, part: Part, folder: Path) -> Path:
    inside = part.to or name.removeprefix(part.strip).removeprefix("./")
    path = (folder / inside).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise DownloadError(f"{part.archive}: {name} would be written outside of {folder}")
    return path


def _write(member: Any, path: Path) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as out:
        shutil.copyfileobj(member, out)
    part.rename(path)
