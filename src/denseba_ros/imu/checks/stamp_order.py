"""Where the stamp of a new IMU sample belongs, and whether it can be believed."""

from __future__ import annotations

from enum import Enum

from denseba_ros.imu.checks.problems import ImuProblems, Problem

LEAP_NS = 1_000_000_000
"""A stamp that is farther than this from the newest is a leap."""
# Leaps forwards up to this are pauses of the driver, beyond a clock that was set.
_PAUSE_NS = 60_000_000_000
# A step of so many usual ones, and at least so long, is a gap.
_GAP_STEPS, _GAP_NS = 4.0, 15_000_000
_SMOOTHING = 0.05


class Place(Enum):
    """What becomes of a sample."""

    END = "end"
    SORTED_IN = "sorted in"
    DROPPED = "dropped"
    HELD = "held"
    """It leapt: the next one tells whether it is believed."""
    RESTART = "restart"
    """The held one is believed and the first of a new time, this is the second."""


class StampOrder:
    """Judges the stamps in the order of arrival; problems are counted in ``problems``.

    A single sample whose stamp leaps changes nothing; two in a row are a clock that was set.
    """

    def __init__(self, problems: ImuProblems) -> None:
        self.newest_ns: int | None = None
        self.used_until_ns = -(1 << 62)
        self._problems = problems
        self._held_ns: int | None = None
        self._period_ns: float | None = None

    def judge(self, stamp_ns: int, is_known: bool) -> Place:
        """``is_known``: there is a sample of this very stamp."""
        if self.newest_ns is None:
            self.newest_ns = stamp_ns
            return Place.END
        if self._held_ns is not None and 0 < stamp_ns - self._held_ns <= LEAP_NS:
            return self._restart(stamp_ns)
        if self._held_ns is not None:
            self._problems.add(Problem.STRAY)
            self._held_ns = None
        step = stamp_ns - self.newest_ns
        if abs(step) > LEAP_NS:
            self._held_ns = stamp_ns
            return Place.HELD
        return self._near(stamp_ns, step, is_known)

    def _near(self, stamp_ns: int, step: int, is_known: bool) -> Place:
        if step == 0 or is_known:
            self._problems.add(Problem.DUPLICATE)
            return Place.DROPPED
        if step > 0:
            self._note_gap(step)
            self.newest_ns = stamp_ns
            return Place.END
        if stamp_ns <= self.used_until_ns:
            self._problems.add(Problem.LATE)
            return Place.DROPPED
        self._problems.add(Problem.REORDERED)
        return Place.SORTED_IN

    def _restart(self, stamp_ns: int) -> Place:
        assert self._held_ns is not None
        assert self.newest_ns is not None
        leap = self._held_ns - self.newest_ns
        is_pause = 0 < leap <= _PAUSE_NS
        kind = Problem.GAP if is_pause else Problem.CLOCK_JUMP
        self._problems.add(kind, detail=f"{leap * 1e-9:.1f} s")
        self.newest_ns, self._held_ns = stamp_ns, None
        self.used_until_ns = -(1 << 62)
        return Place.RESTART

    def _note_gap(self, step: int) -> None:
        period = self._period_ns
        if period is not None and step > max(_GAP_STEPS * period, _GAP_NS):
            self._problems.add(Problem.GAP, detail=f"{step * 1e-6:.0f} ms")
            return
        self._period_ns = step if period is None else period + _SMOOTHING * (step - period)
