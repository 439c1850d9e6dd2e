"""The parts: all there, and together within eight minutes."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from denseba_ros.benchmark.gpu.parts import PARTS


@pytest.mark.parametrize("name", PARTS)
def test_each_part_has_its_module(name: str) -> None:
    assert find_spec(f"denseba_ros.benchmark.gpu.{name}_part") is not None


def test_all_limits_together_are_eight_minutes() -> None:
    assert sum(part.seconds for part in PARTS.values()) <= 480
