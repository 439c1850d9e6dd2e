"""Which stamps to believe: one rule for the node's topics, for bags and for folders.

- A topic has one clock: the stamps of its headers, or, where those are not set, the times at which
  its messages were recorded or arrived. The two are never mixed.
- Zero is no stamp, unless it lies on the line of the others, as where a sequence begins at zero.
- A leap, forwards or back, is believed when the next images go on from it, or when the time of
  recording leapt as far. A single stamp that leaps is an outlier, and dropped.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum
from statistics import median
from typing import Generic, TypeVar

Item = TypeVar("Item")

SECOND = 1_000_000_000
RESTART_NS = SECOND
"""A jump back of more than this is a clock that was set back or a bag that is played again, not a
late message."""
GAP_NS = SECOND
"""Images further apart are a gap, over which the last velocity says nothing."""

# Images that must go on from a leap before it is believed; zeros that say that stamps are not set.
_CONFIRMATIONS, _ZEROS = 2, 3
# A leap is so many usual intervals, and never less than this; while the interval is not known, GAP.
_LEAP_INTERVALS, _SMALLEST_LEAP_NS = 5, SECOND // 10
_KNOWN_INTERVALS, _REMEMBERED_INTERVALS = 5, 15
# How well the time of recording must agree with a leap: share of it, and ns.
_AGREEMENT, _AGREEMENT_NS = 0.25, SECOND // 10
# The last image may come so much later without another to confirm it.
_LAST_NS = 60 * SECOND


class Verdict(Enum):
    """What the stamp of an image says about it; the value is the reason of a drop."""

    ACCEPT = "accept"
    GAP = "a gap before it"
    RESTART = "time jumped back"
    HELD = "held until the next images confirm its stamp"
    DUPLICATE = "duplicate stamp"
    LATE = "stamp earlier than the last image's"
    BACK = "stamps go back"
    LEAP = "stamp leaps"
    NO_STAMP = "no stamp"

    @property
    def is_accepted(self) -> bool:
        """Whether the image is to be used."""
        return self in (Verdict.ACCEPT, Verdict.GAP, Verdict.RESTART)

    @property
    def is_dropped(self) -> bool:
        """Whether the image is to be dropped, and counted."""
        return not self.is_accepted and self is not Verdict.HELD


@dataclass(frozen=True)
class Judged(Generic[Item]):
    """An item with its stamp by the topic's clock; ``gap_ns`` since the one accepted before."""

    item: Item
    stamp_ns: int
    verdict: Verdict
    gap_ns: int = 0


@dataclass(frozen=True)
class _Stamped(Generic[Item]):
    item: Item
    stamp_ns: int
    recorded_ns: int | None


class StampRule(Generic[Item]):
    """Judges the stamps of one topic in the order of its images.

    Live (``patient`` False) the first image is accepted at once and a confirmed jump back is a
    RESTART. A reader of files is ``patient``: the first images wait until they agree, and there is
    no second beginning, so that all after a jump back is dropped. Where another rule has judged
    the stamps before, a ``trusting`` one believes every leap at once. ``interval_ns`` is the usual
    time between two images, where it is known beforehand.
    """

    def __init__(
        self, *, patient: bool = False, trusting: bool = False, interval_ns: int | None = None
    ) -> None:
        self._patient, self._trusting, self._interval_ns = patient, trusting, interval_ns
        self._confirmations = 0 if trusting else _CONFIRMATIONS
        self.reset()

    def reset(self) -> None:
        """Forget everything: the next stamp may be any. What is held is lost."""
        self._uses_headers: bool | None = True if self._trusting else None
        self._zeros: list[_Stamped[Item]] = []
        self._last: _Stamped[Item] | None = None
        self._first: list[Judged[Item]] = []
        self._is_settled = not self._patient
        self._held: list[_Stamped[Item]] = []
        self._intervals: deque[int] = deque(maxlen=_REMEMBERED_INTERVALS)

    def push(self, item: Item, stamp_ns: int, recorded_ns: int | None = None) -> list[Judged[Item]]:
        """The verdicts that an item brings: its own, HELD included, and those of items held before.

        ``stamp_ns`` is of its header, ``recorded_ns`` of its recording or arrival, None if unknown.
        """
        new = _Stamped(item, stamp_ns, recorded_ns)
        if self._uses_headers is None:
            return self._choose_clock(new)
        return self._judge(self._by_clock(new))

    def flush(self) -> list[Judged[Item]]:
        """The verdicts on what is still held when no more will come."""
        judged: list[Judged[Item]] = []
        if self._zeros:
            self._uses_headers = self._zeros[0].recorded_ns is None
            judged += self._judge_zeros()
        judged += self._settle()
        return judged + (self._confirm() if self._may_end_with_held() else self._drop_held())

    def _may_end_with_held(self) -> bool:
        """Whether the last images, after a leap forwards, may be used: none contradicts them."""
        if not self._held or self._last is None:
            return False
        leap = self._held[0].stamp_ns - self._last.stamp_ns
        return leap > 0 and (len(self._held) > 1 or leap <= max(_LAST_NS, 100 * self._leap_ns()))

    # -- one clock -----------------------------------------------------------------------------

    def _choose_clock(self, new: _Stamped[Item]) -> list[Judged[Item]]:
        """Headers as soon as one has a stamp, the recording when the first three have none."""
        if new.stamp_ns != 0 or (new.recorded_ns is None and self._zeros):
            self._uses_headers = True
            judged = self._judge_first_zeros(new)
            return judged + self._judge(new)
        self._zeros.append(new)
        if len(self._zeros) < _ZEROS:
            return [_verdict(new, Verdict.HELD)]
        self._uses_headers = False
        return self._judge_zeros()

    def _judge_first_zeros(self, new: _Stamped[Item]) -> list[Judged[Item]]:
        """Zeros before the first stamp: the first is one if the clock begins there."""
        zeros, self._zeros = self._zeros, []
        if not zeros:
            return []
        follows = 0 <= new.stamp_ns <= self._leap_ns() or _agree(zeros[0], new)
        first = self._judge(zeros[0], may_be_zero=True) if follows else []
        rest = zeros[1:] if follows else zeros
        return first + [_verdict(zero, Verdict.NO_STAMP) for zero in rest]

    def _judge_zeros(self) -> list[Judged[Item]]:
        zeros, self._zeros = self._zeros, []
        return [j for z in zeros for j in self._judge(self._by_clock(z), may_be_zero=True)]

    def _by_clock(self, new: _Stamped[Item]) -> _Stamped[Item]:
        if self._uses_headers or new.recorded_ns is None:
            return new
        return _Stamped(new.item, new.recorded_ns, None)

    # -- one line ------------------------------------------------------------------------------

    def _judge(self, new: _Stamped[Item], *, may_be_zero: bool = False) -> list[Judged[Item]]:
        last = self._last
        may_be_zero = may_be_zero or self._trusting
        if new.stamp_ns == 0 and not (may_be_zero or self._goes_on(new)):
            return [_verdict(new, Verdict.NO_STAMP)]
        if last is None:
            return self._accept(new)
        if new.stamp_ns == last.stamp_ns:
            return [_verdict(new, Verdict.DUPLICATE)]
        if self._goes_on(new):
            return self._drop_held() + self._accept(new)
        if self._held and self._confirms(new, last):
            self._held.append(new)
            return self._confirm() if len(self._held) > self._confirmations else [_held(new)]
        step = new.stamp_ns - last.stamp_ns
        if self._is_settled and -RESTART_NS <= step < 0:
            return [_verdict(new, Verdict.LATE)]
        if self._is_settled and self._patient and step < 0:
            return [_verdict(new, Verdict.BACK)]
        dropped = self._drop_held()
        self._held = [new]
        if not self._confirmations:
            return dropped + self._confirm()
        return [*dropped, _held(new)]

    def _goes_on(self, new: _Stamped[Item]) -> bool:
        """Whether a stamp follows the last one as the topic's images do, or as its recording."""
        last = self._last
        if last is None or new.stamp_ns <= last.stamp_ns:
            return False
        return new.stamp_ns - last.stamp_ns <= self._leap_ns() or _agree(last, new)

    def _leap_ns(self) -> int:
        interval = self._interval_ns
        if interval is None and len(self._intervals) >= _KNOWN_INTERVALS:
            interval = round(median(self._intervals))
        if interval is None:
            return GAP_NS
        return max(_LEAP_INTERVALS * interval, _SMALLEST_LEAP_NS)

    def _confirms(self, new: _Stamped[Item], last: _Stamped[Item]) -> bool:
        """Whether an image goes on from those held: after an outlier time goes back again."""
        rises = new.stamp_ns > self._held[-1].stamp_ns
        is_forwards = self._held[0].stamp_ns > last.stamp_ns
        return rises and (is_forwards or new.stamp_ns < last.stamp_ns)

    def _accept(self, new: _Stamped[Item]) -> list[Judged[Item]]:
        gap = 0 if self._last is None else new.stamp_ns - self._last.stamp_ns
        if self._last is not None and gap > 0:
            self._intervals.append(gap)
        self._last = new
        verdict = Verdict.GAP if gap > GAP_NS else Verdict.ACCEPT
        if self._last is not None and gap < 0:
            verdict = Verdict.RESTART
        judged = Judged(new.item, new.stamp_ns, verdict, gap)
        if self._is_settled:
            return [judged]
        self._first.append(judged)
        return self._settle() if len(self._first) > self._confirmations else []

    def _settle(self) -> list[Judged[Item]]:
        """The first images, which agree."""
        first, self._first, self._is_settled = self._first, [], True
        return first

    def _confirm(self) -> list[Judged[Item]]:
        """What was held is the line from now on."""
        held, self._held = self._held, []
        judged: list[Judged[Item]] = []
        if not self._is_settled and self._last is not None:
            if held[0].stamp_ns < self._last.stamp_ns:
                # The beginning was wrong, not what follows.
                judged = [Judged(j.item, j.stamp_ns, Verdict.LEAP) for j in self._first]
                self._first, self._last = [], None
            self._intervals.clear()
        return judged + [j for one in held for j in self._accept(one)]

    def _drop_held(self) -> list[Judged[Item]]:
        held, self._held = self._held, []
        last_ns = self._last.stamp_ns if self._last is not None else 0
        return [
            _verdict(one, Verdict.LEAP if one.stamp_ns > last_ns else Verdict.BACK) for one in held
        ]


def _agree(last: _Stamped[Item], new: _Stamped[Item]) -> bool:
    """Whether as much time passed between two recordings as between their stamps."""
    if last.recorded_ns is None or new.recorded_ns is None:
        return False
    step = new.stamp_ns - last.stamp_ns
    error = abs(new.recorded_ns - last.recorded_ns - step)
    return step > 0 and error <= max(_AGREEMENT * step, _AGREEMENT_NS)


def _verdict(one: _Stamped[Item], verdict: Verdict) -> Judged[Item]:
    return Judged(one.item, one.stamp_ns, verdict)


def _held(one: _Stamped[Item]) -> Judged[Item]:
    return _verdict(one, Verdict.HELD)
