"""A figure against its bar."""

from __future__ import annotations

import json
import math

import pytest

from denseba_ros.benchmark.gpu.figure import Figure, PartResult, largest


@pytest.mark.parametrize(
    ("value", "is_least", "is_met"),
    [
        (1.0, False, True),
        (1.1, False, False),
        (0.9, True, False),
        (1.0, True, True),
        (math.nan, False, False),
        (math.nan, True, False),
        (math.inf, False, False),
    ],
)
def test_a_bar_is_met_or_missed(value: float, is_least: bool, is_met: bool) -> None:
    assert Figure("it", value, bar=1.0, is_least=is_least).is_met is is_met


def test_without_a_bar_nothing_is_met_or_missed() -> None:
    result = PartResult([Figure("it", 5.0, "ms", bar=1.0, aim=0.3)]).without_bars()
    (figure,) = result.as_json()["figures"]
    assert (figure["value"], figure["bar"], figure["aim"]) == (5.0, None, None)
    assert figure["is_met"] is None


def test_json_holds_no_nan() -> None:
    text = json.dumps(Figure("it", math.nan, bar=1.0).as_json(), allow_nan=False)
    assert json.loads(text)["value"] is None


def test_the_largest_hides_no_nan() -> None:
    assert largest([]) == 0.0
    assert largest([1.0, 3.0, 2.0]) == 3.0
    assert largest([1.0, math.nan, 2.0]) == math.inf
