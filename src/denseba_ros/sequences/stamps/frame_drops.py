"""Counts, by reason, of the frames of a sequence that are not used, and how they are said."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from denseba_ros.sequences.stamps.stamp_rule import Judged, StampRule

_log = logging.getLogger(__name__)

Frame = TypeVar("Frame")

UNREADABLE = "unreadable"
OTHER_SIZE = "of another size"
MUCH = 0.1
"""Where more than this share of the frames was dropped, the result is not that of the sequence."""


class FrameDrops(Counter[str]):
    """Reason -> count. The first drop of each reason is logged with its details."""

    def drop(self, reason: str, where: str, detail: str = "") -> None:
        """Count one frame; ``where`` names it."""
        self[reason] += 1
        if self[reason] == 1:
            text = f"{reason}: {detail}" if detail else reason
            _log.warning("left out %s: %s; more of them are only counted", where, text)


def with_believed_stamps(
    rule: StampRule[Frame],
    frames: Iterable[tuple[Frame, int, int | None]],
    drops: FrameDrops,
    name: Callable[[Frame], str],
) -> Iterator[tuple[Frame, int]]:
    """The frames (frame, header stamp, recording time or None) whose stamps the rule believes,
    each with its stamp (ns); the others go into ``drops``."""

    def believed(judged: list[Judged[Frame]]) -> Iterator[tuple[Frame, int]]:
        for one in judged:
            if one.verdict.is_accepted:
                yield one.item, one.stamp_ns
            elif one.verdict.is_dropped:
                drops.drop(one.verdict.value, name(one.item), f"{one.stamp_ns / 1e9:.9f} s")

    for frame, stamp_ns, recorded_ns in frames:
        yield from believed(rule.push(frame, stamp_ns, recorded_ns))
    yield from believed(rule.flush())


def drops_in_words(drops: Mapping[str, int], total: int) -> str:
    """``12 of 36 images used, 24 dropped: stamps go back``; empty where none was dropped."""
    count = sum(drops.values())
    if not count:
        return ""
    causes = sorted((reason for reason in drops if drops[reason]), key=lambda r: -drops[r])
    if len(causes) == 1:
        what = causes[0]
    else:
        what = ", ".join(f"{drops[cause]} {cause}" for cause in causes)
    return f"{total - count} of {total} images used, {count} dropped: {what}"


def is_much(drops: Mapping[str, int], total: int) -> bool:
    """Whether so many frames were dropped that the command has failed."""
    return sum(drops.values()) > MUCH * total
