"""Options of one kind at a time, a line for each: its name is a keyword, its help text is given.

``hint_draws=...`` becomes ``--hint-draws``. Whatever needs more is added with ``add_argument``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

Parser = argparse.ArgumentParser | argparse._ArgumentGroup
"""argparse has no public name for what a parser and its groups share."""


def add_paths(parser: Parser, placeholder: str, /, **help_texts: str) -> None:
    """Options that take a path; the ``placeholder`` says of what, such as FILE."""
    for name, text in help_texts.items():
        parser.add_argument(option_name(name), type=Path, metavar=placeholder, help=text)


def add_counts(parser: Parser, /, **options: tuple[int | None, str]) -> None:
    """Options that take an integer: default and help text."""
    for name, (default, text) in options.items():
        parser.add_argument(option_name(name), type=int, default=default, metavar="N", help=text)


def add_numbers(parser: Parser, /, **options: tuple[float | None, str]) -> None:
    """Options that take a real number: default and help text."""
    for name, (default, text) in options.items():
        parser.add_argument(option_name(name), type=float, default=default, metavar="X", help=text)


def add_switches(parser: Parser, /, **help_texts: str) -> None:
    """Options without a value, False when they are not given."""
    for name, text in help_texts.items():
        parser.add_argument(option_name(name), action="store_true", help=text)


def option_name(name: str) -> str:
    """``photometric_scales`` as ``--photometric-scales``."""
    return f"--{name.replace('_', '-')}"
