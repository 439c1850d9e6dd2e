"""Options made from the fields of a dataclass."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Literal

import pytest

from denseba_ros.cli.options.settings import add_settings, settings_from


@dataclass(frozen=True)
class Shape:
    """One field of each kind that becomes an option, and one that does not."""

    kind: Literal["round", "square"] = "round"
    size: tuple[int, int] = (4, 3)
    line_width: float = 0.5
    filled: bool = False
    name: str = "shape"


def parse(*words: str) -> Shape:
    parser = argparse.ArgumentParser()
    add_settings(
        parser, Shape, kind="of outline", size="of it", line_width="of the pen", filled="or empty"
    )
    return settings_from(parser.parse_args(words), Shape, name="mine")


def test_defaults_are_those_of_the_fields() -> None:
    assert parse() == Shape(name="mine")


def test_values_have_the_types_of_the_fields() -> None:
    words = ["--kind", "square", "--size", "8", "6", "--line-width", "2", "--filled"]
    assert parse(*words) == Shape("square", (8, 6), 2.0, True, "mine")


@pytest.mark.parametrize("words", [["--kind", "flat"], ["--size", "8"], ["--size", "8", "x"]])
def test_wrong_values_are_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit):
        parse(*words)
