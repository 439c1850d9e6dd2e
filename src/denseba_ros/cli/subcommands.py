"""Subcommands of a subcommand, such as ``denseba train depth``.

Each module of a group has ``add_arguments(parser)`` and ``run(args) -> int``.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from types import ModuleType

# What a word after the subcommand runs, and what it says of itself in --help.
Group = Mapping[str, tuple[ModuleType, str]]


def add_group(parser: argparse.ArgumentParser, word: str, group: Group) -> None:
    """Add one subcommand for each of the ``group``; ``word`` names them in --help."""
    subparsers = parser.add_subparsers(dest=word, required=True, metavar=word.upper())
    for name, (module, summary) in group.items():
        subparser = subparsers.add_parser(name, help=summary, description=summary)
        module.add_arguments(subparser)
        subparser.set_defaults(run_one=module.run)


def run_one(args: argparse.Namespace) -> int:
    """The exit status of the one that was asked for."""
    return int(args.run_one(args))
