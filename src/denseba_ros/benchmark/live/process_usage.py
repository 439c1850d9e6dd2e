"""What a process has used so far: processor time and memory, as Linux counts them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np

from denseba_ros.benchmark.timing import status_mib

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class ProcessUsage:
    """Seconds of all threads in user and in system mode; largest resident memory so far, MiB."""

    user_seconds: float
    system_seconds: float
    peak_memory_mib: float

    @classmethod
    def of(cls, pid: int) -> ProcessUsage:
        """The present usage of a process.

        Raises:
            OSError: when there is none of this id.
        """
        # The second field, the name in brackets, may hold blanks: proc_pid_stat(5).
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        user, system = int(fields[11]), int(fields[12])
        return cls(user / _TICKS, system / _TICKS, status_mib("VmHWM", pid))

    @classmethod
    def sum(cls, usages: Iterable[ProcessUsage]) -> ProcessUsage:
        """That of several processes together; the peaks of memory need not be of one moment."""
        user, system, peak = np.sum([astuple(usage) for usage in usages], axis=0).tolist()
        return cls(user, system, peak)

    def since(self, before: ProcessUsage) -> ProcessUsage:
        """Seconds used after ``before``; the peak of memory is that of the whole life."""
        return ProcessUsage(
            self.user_seconds - before.user_seconds,
            self.system_seconds - before.system_seconds,
            self.peak_memory_mib,
        )
