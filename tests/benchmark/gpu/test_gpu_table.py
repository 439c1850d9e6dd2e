"""The report as text, and its verdict."""

from __future__ import annotations

from typing import Any

from denseba_ros.benchmark.gpu.figure import Figure
from denseba_ros.benchmark.gpu.gpu_table import failures, gpu_table, verdict


def part(title: str, *figures: Figure, status: str = "done", reason: str = "") -> dict[str, Any]:
    numbers = [figure.as_json() for figure in figures]
    more = {"status": status, "reason": reason, "notes": ["on images"]}
    return {"title": title, "seconds": 12.3, "figures": numbers, **more}


def report(*parts: dict[str, Any], name: str | None = "a GPU") -> dict[str, Any]:
    return {
        "gpu": {"name": name, "driver": "1.2", "triton": "3.7.1"},
        "versions": {"torch": "2.13.0"},
        "commit": "abc1234",
        "date": "2026-11-29",
        "parts": list(parts),
    }


def test_every_figure_stands_beside_its_bar() -> None:
    slow = Figure("dense window", 1.25, "ms", bar=1.0, aim=0.3)
    fast = Figure("lockstep", 123.4, "images/s", bar=100.0, is_least=True)
    found = report(part("Window", slow), part("System", fast, Figure("memory", 12345.6, "MiB")))
    text = gpu_table(found)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "a GPU; driver 1.2, torch 2.13.0, triton 3.7.1; commit abc1234, 2026-11-29" in lines
    assert "dense window 1.25 ms at most 1, aim 0.3 MISSED" in lines
    assert "lockstep 123 images/s at least 100 met" in lines
    assert "memory 12346 MiB" in lines
    assert "on images" in lines
    assert failures(found) == ["Window: dense window"]
    assert lines[-1] == "wrong: Window: dense window"


def test_a_part_that_failed_says_why() -> None:
    found = report(part("Kernels", status="timed out", reason="ran past 9 s:\nthe last line"))
    assert "the last line" in gpu_table(found)
    assert verdict(found) == "wrong: Kernels timed out"


def test_all_is_well_only_where_nothing_is_wrong() -> None:
    assert verdict(report(part("Kernels", Figure("sums", 0.0, bar=1.0)))).startswith("all parts")
    assert "not a number" in gpu_table(report(part("K", Figure("sums", float("nan"), bar=1.0))))
    assert "trial on the CPU" in gpu_table(report(name=None))
