"""Images and depth of two topics, joined by nearly the same stamps after a bounded wait."""

from __future__ import annotations

import pytest

from denseba_ros.nodes.inputs.depth_pairing import DepthPairing

TOLERANCE, WAIT = 5, 0.1


@pytest.fixture
def pairs() -> list[tuple[str, str | None]]:
    return []


@pytest.fixture
def pairing(pairs: list[tuple[str, str | None]]) -> DepthPairing[str, str]:
    return DepthPairing(lambda image, depth: pairs.append((image, depth)), TOLERANCE, WAIT)


def test_whichever_comes_first_waits_for_the_other(
    pairing: DepthPairing[str, str], pairs: list[tuple[str, str | None]]
) -> None:
    pairing.add_image("a", 100, 0.0)
    assert pairs == []
    pairing.add_depth("A", 100, 0.01)
    pairing.add_depth("B", 203, 0.02)
    pairing.add_image("b", 200, 0.03)
    assert pairs == [("a", "A"), ("b", "B")]


def test_one_before_it_is_taken_once_a_later_one_is_there(
    pairing: DepthPairing[str, str], pairs: list[tuple[str, str | None]]
) -> None:
    pairing.add_depth("A", 98, 0.0)
    pairing.add_image("a", 100, 0.0)
    assert pairs == []
    pairing.add_depth("B", 131, 0.03)
    assert pairs == [("a", "A")]


def test_the_wait_is_bounded_and_the_order_kept(
    pairing: DepthPairing[str, str], pairs: list[tuple[str, str | None]]
) -> None:
    pairing.add_image("a", 100, 0.0)
    pairing.add_image("b", 200, 0.05)
    pairing.add_depth("far", 150, 0.06)  # a's will not come any more
    assert pairs == [("a", None)]
    pairing.release(0.14)
    assert len(pairs) == 1
    pairing.release(0.16)
    assert pairs == [("a", None), ("b", None)]


def test_depth_that_goes_back_in_time_starts_anew(
    pairing: DepthPairing[str, str], pairs: list[tuple[str, str | None]]
) -> None:
    pairing.add_depth("late", 900, 0.0)
    pairing.add_depth("A", 100, 0.1)
    pairing.add_image("a", 100, 0.1)
    pairing.add_image("b", 200, 0.1)
    assert pairs == [("a", "A")]
