"""What the system's benchmark counts; the times themselves are not judged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from denseba_ros.benchmark.system.stages import StageTimes
from denseba_ros.benchmark.system.system_benchmark import SystemResult, run_system
from denseba_ros.benchmark.system.system_report import plot_blocks, system_table
from denseba_ros.config import Config
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.slam.state.estimate import Estimate, Tracking


def _estimate(tracking: Tracking, is_keyframe: bool, seconds: dict[str, float]) -> Estimate:
    eye, six = np.eye(4), np.eye(6)
    return Estimate(0, tracking, eye, six, np.zeros(6), six, None, is_keyframe, "", seconds=seconds)


def test_the_backend_is_timed_on_keyframes_alone() -> None:
    times = StageTimes()
    times.add(_estimate(Tracking.TRACKING, True, {"tracking": 0.01, "backend": 0.2}), 0.25)
    times.add(_estimate(Tracking.TRACKING, False, {"tracking": 0.03, "backend": 1e-6}), 0.05)
    times.add(_estimate(Tracking.LOST, False, {"tracking": 0.02}), 0.1)
    numbers = times.as_json()
    assert (numbers["frames"], numbers["tracked"], numbers["keyframes"]) == (3, 2, 1)
    assert numbers["frames_per_second"] == pytest.approx(3 / 0.4)
    assert numbers["stages"]["backend"] == {
        "frames": 1,
        "median_ms": pytest.approx(200),
        "p95_ms": pytest.approx(200),
        "share": pytest.approx(0.5),
    }
    assert numbers["stages"]["tracking"]["median_ms"] == pytest.approx(20)
    assert "depth" not in numbers["stages"]


def test_what_mapping_took_is_a_stage_of_its_own() -> None:
    times = StageTimes()
    times.add(_estimate(Tracking.TRACKING, True, {"backend": 0.2, "mapping": 0.1}), 0.25)
    assert times.as_json()["stages"]["mapping"]["median_ms"] == pytest.approx(100)


@pytest.fixture(scope="module")
def result() -> SystemResult:
    room = RoomSequence("sweep", 14, 160, 120)
    config = Config.from_dict({"device": "cpu", "backend": {"points": 200}})
    return run_system(config, room.calibration, room, block=5)


def test_blocks_cover_the_run(result: SystemResult) -> None:
    assert [(b.first, b.frames) for b in result.blocks] == [(0, 5), (5, 5), (10, 4)]
    assert sum(b.keyframes for b in result.blocks) == result.times.keyframes
    total = sum(b.mean_ms * b.frames for b in result.blocks)
    assert total == pytest.approx(1e3 * sum(result.times.seconds["total"]))
    assert all(b.cpu_ms > 0.0 for b in result.blocks)
    assert result.gpu_mib is None


def test_the_report_is_complete(result: SystemResult, tmp_path: Path) -> None:
    table = system_table("room", result)
    for word in ("room", "14 frames", "frontend", "tracking", "total", "10-13"):
        assert word in table
    assert len(json.loads(json.dumps(result.as_json()))["blocks"]) == 3
    plot_blocks(tmp_path / "blocks.png", "room", result)
    assert (tmp_path / "blocks.png").stat().st_size > 5000
