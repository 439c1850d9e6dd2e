"""What parsers and their help show."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from denseba_ros.cli.commands import COMMANDS
from denseba_ros.cli.parser import HelpWithDefaults, build_parser, default_text


@pytest.mark.parametrize(
    ("default", "text"),
    [
        (None, ""),
        (False, ""),
        (0, "0"),
        (0.001, "0.001"),
        ("", ""),
        ([], ""),
        ((0.5, 1.0), "0.5 1.0"),
        (Path("hints"), "hints"),
    ],
)
def test_defaults_are_shown_as_they_are_typed(default: object, text: str) -> None:
    assert default_text(argparse.Action(["--x"], "x", default=default)) == text


def test_help_shows_defaults_and_percent_signs() -> None:
    parser = argparse.ArgumentParser(formatter_class=HelpWithDefaults)
    parser.add_argument("--share", default="5%", help="of the path")
    parser.add_argument("--fast", action="store_true", help="at once")
    assert "of the path (default: 5%)" in parser.format_help()
    assert "at once (" not in parser.format_help()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = [*name.split(), "--help"]
    with pytest.raises(SystemExit) as stopped:
        build_parser(words).parse_args(words)
    assert stopped.value.code == 0
    assert f"usage: denseba {name}" in capsys.readouterr().out
