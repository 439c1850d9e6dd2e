"""What is wrong with IMU samples: counted, and each kind said once."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from enum import Enum

_log = logging.getLogger(__name__)


class Problem(str, Enum):
    """Kinds of problems; the value is the word for them in diagnostics."""

    NOT_FINITE = "not finite"
    DUPLICATE = "duplicate"
    REORDERED = "out of order"
    LATE = "late"
    STRAY = "stray stamp"
    GAP = "gap"
    CLOCK_JUMP = "clock jump"
    SATURATED = "saturated"
    IN_G = "accelerometer in g"
    NO_GRAVITY = "no gravity"
    UNKNOWN_UNIT = "unit of the accelerometer"
    IN_DEGREES = "gyroscope in degrees"
    AXES = "axes"


_TEXTS = {
    Problem.NOT_FINITE: "samples hold values that are not finite; they are left out",
    Problem.DUPLICATE: "samples repeat a stamp; the second is left out. Do two drivers publish?",
    Problem.REORDERED: "samples come out of order; they are sorted in",
    Problem.LATE: "samples come after their time was used; they are left out",
    Problem.STRAY: "single samples have a stamp far from all others; they are left out",
    Problem.GAP: "samples are missing",
    Problem.CLOCK_JUMP: "the stamps leapt: the IMU begins anew. Was a clock set?",
    Problem.SATURATED: "the sensor is at the end of its range: motion is felt too small",
    Problem.IN_G: "the accelerometer reads about 1 at rest: it is in g, m/s2 is wanted (REP 145)",
    Problem.NO_GRAVITY: "the accelerometer feels no gravity: the driver takes it off, or publishes "
    "no acceleration; specific force with gravity is wanted (REP 145)",
    Problem.UNKNOWN_UNIT: "the accelerometer reads neither 9.81 nor 1 at rest: in which unit?",
    Problem.IN_DEGREES: "the gyroscope turns 57 times too fast for gravity: it is in degrees per "
    "second, rad/s is wanted (REP 145)",
    Problem.AXES: "gravity does not turn as the gyroscope says: the axes of gyroscope and "
    "accelerometer differ, or one has a wrong sign",
}


class ImuProblems:
    """``say`` gets kind and text: of every problem where it throttles by itself (nodes), else, with
    none given, the first of each kind is logged. ``counts`` are problems by kind."""

    def __init__(self, say: Callable[[str, str], object] | None = None) -> None:
        self.counts: Counter[Problem] = Counter()
        self._say = say

    def add(self, problem: Problem, count: int = 1, detail: str = "") -> None:
        """Count problems of one kind, and say so."""
        is_first = self.counts[problem] == 0
        self.counts[problem] += count
        text = f"IMU: {_TEXTS[problem]}" + (f" ({detail})" if detail else "")
        if self._say is not None:
            self._say(f"imu {problem.value}", text)
        elif is_first:
            _log.warning("%s", text)

    def text(self) -> str:
        """One line for the user, empty where all is well."""
        if not self.counts:
            return ""
        return "IMU: " + ", ".join(f"{n} {kind.value}" for kind, n in self.counts.most_common())
