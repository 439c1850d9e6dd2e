"""The table of a live run, with and without what may be missing."""

from __future__ import annotations

from typing import Any

from denseba_ros.benchmark.live.live_table import live_table

REPORT: dict[str, Any] = {
    "sequence": "drive",
    "rate": 1.0,
    "load": 1,
    "distributed": False,
    "images": {
        "published": 10,
        "tracked": 7,
        "initialising": 0,
        "lost": 0,
        "dropped": {"too slow": 2},
        "without_status": 1,
        "without_odometry": 3,
    },
    "poses": {"tracked": 6, "predicted": 1, "lost": 0},
    "latency_ms": {
        "measured": {"count": 6, "p50": 31.0, "p95": 40.0, "p99": 45.0, "max": 46.0},
        "all": None,
    },
    "odometry": {
        "ate_m": {"rmse": 0.3},
        "ate_percent_of_path": 2.5,
        "path_length_m": 12.0,
        "scale": 1.1,
        "alignment": "Sim(3)",
    },
    "map": None,
    "losses": 0,
    "map_to_odom": {"changes": 2, "largest_m": 0.25, "largest_deg": 3.0},
    "node": {
        "user_seconds": 3.0,
        "system_seconds": 1.0,
        "cpu_seconds": 4.0,
        "cpu_ms_per_processed_image": None,
        "peak_memory_mib": 512.0,
    },
}


def test_the_table_says_what_is_known() -> None:
    text = live_table(REPORT)
    assert "7 (70.0 %)" in text
    assert "2 too slow, 1 without a status" in text
    assert "p50 31, p95 40, p99 45, max 46 ms (6 images)" in text
    assert "latency, all        no odometry" in text
    assert "0.3000 m RMSE after Sim(3) alignment" in text
    assert "error of map        not known" in text
    assert "map -> odom changes: 2, by up to 0.250 m and 3.00 degrees" in text
    assert "- for each processed image" in text


def test_a_quiet_run_says_so() -> None:
    images = {**REPORT["images"], "dropped": {}, "without_status": 0}
    still = {"changes": 0, "largest_m": 0.0, "largest_deg": 0.0}
    text = live_table({**REPORT, "images": images, "map_to_odom": still})
    assert "dropped             none" in text
    assert "map -> odom never changed" in text
