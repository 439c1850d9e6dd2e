"""Times per stage; how long anything takes is not tested."""

from __future__ import annotations

import time

from denseba_ros.slam.state.stage_timer import StageTimer


def test_laps_share_the_time_out_without_gaps() -> None:
    before = time.perf_counter()
    timer = StageTimer()
    timer.lap("frontend")
    timer.lap("tracking")
    timer.skip("depth")
    timer.lap("backend")
    elapsed = time.perf_counter() - before
    assert list(timer.seconds) == ["frontend", "tracking", "depth", "backend"]
    assert timer.seconds["depth"] == 0.0
    assert all(seconds >= 0.0 for seconds in timer.seconds.values())
    assert sum(timer.seconds.values()) <= elapsed
