"""docs/command_line.md is what the parsers say."""

from __future__ import annotations

from pathlib import Path

import pytest

from denseba_ros.cli.commands import COMMANDS
from denseba_ros.cli.parser import command_parser
from denseba_ros.cli.reference import command_reference

PAGE = Path(__file__).parents[2] / "docs" / "command_line.md"


def test_the_page_is_what_the_generator_prints() -> None:
    remedy = "python -m denseba_ros.cli.reference > docs/command_line.md"
    assert PAGE.read_text() == command_reference(), f"run: {remedy}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained_and_on_the_page(name: str) -> None:
    section = PAGE.read_text().split(f"## denseba {name}\n")[1].split("\n## ")[0]
    for action in command_parser(name)._actions:
        assert action.help, action.dest
        names = [option for option in action.option_strings if option not in ("-h", "--help")]
        assert all(f"`{option}" in section for option in names)
