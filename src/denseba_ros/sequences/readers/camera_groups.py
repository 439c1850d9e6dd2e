"""Which images of a folder belong to one camera, where their names tell several."""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from denseba_ros.errors import SequenceError

_log = logging.getLogger(__name__)

_DIGITS = re.compile(r"\d+")
_LAST_DIGITS = re.compile(r"\d+(?=\D*$)")
_MOST_CAMERAS = 8
_NO_CAMERA = re.compile(r"(?:^|[^a-z])(depth|disp|disparity|mask|normals?|semantics?|seg|thumb)")


def of_one_camera(paths: Sequence[Path], wanted: str | None, where: Path) -> list[Path]:
    """The images whose names hold ``wanted``, else all that are no depth, mask or thumbnail.

    Raises:
        SequenceError: when no name holds ``wanted``, or the names are those of several cameras.
    """
    if wanted is not None:
        chosen = [path for path in paths if wanted in path.name]
        if not chosen:
            raise SequenceError(f"{where}: no image has {wanted!r} in its name")
        return chosen
    groups = _groups(paths)
    largest = max(len(group) for group in groups.values())
    if largest < 2 or len(groups) == 1:
        return list(paths)
    cameras = {name: g for name, g in groups.items() if not _NO_CAMERA.search(name)} or groups
    many = {name: group for name, group in cameras.items() if 2 * len(group) >= largest}
    if len(many) > 1:
        listing = ", ".join(f"{name} ({len(group)})" for name, group in sorted(many.items()))
        raise SequenceError(
            f"{where}: has the images of {len(many)} cameras: {listing}; choose one by a part of "
            "its names with --topic"
        )
    # A name without a number among numbered ones is none of the sequence.
    numbered = any("#" in name for name in cameras)
    used = [name for name in cameras if "#" in name or not numbered]
    members = {path for name in used for path in groups[name]}
    kept = [path for path in paths if path in members]
    if len(kept) < len(paths):
        _log.warning("%s: %d other images are passed over", where, len(paths) - len(kept))
    return kept


def _groups(paths: Sequence[Path]) -> dict[str, list[Path]]:
    """Images by their names with "#" for the number.

    Where there are several numbers it is the first or the last, whichever leaves fewer groups.
    """
    candidates = [_grouped(paths, key) for key in (_without_last, _without_first)]
    fewest = min(candidates, key=len)
    return fewest if len(fewest) <= _MOST_CAMERAS else _grouped(paths, _without_any)


def _grouped(paths: Sequence[Path], key: Callable[[str], str]) -> dict[str, list[Path]]:
    groups: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        groups[key(path.stem.lower()) + path.suffix.lower()].append(path)
    return dict(groups)


def _without_last(stem: str) -> str:
    return _LAST_DIGITS.sub("#", stem)


def _without_first(stem: str) -> str:
    return _DIGITS.sub("#", stem, count=1)


def _without_any(stem: str) -> str:
    return _DIGITS.sub("#", stem)
