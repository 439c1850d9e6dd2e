"""The parser of the command line.

Only the module of the command that is asked for is imported: some need torch, some need ROS 2,
and ``--help`` needs neither.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Mapping, Sequence
from functools import partial

from denseba_ros.cli.commands import COMMANDS, Command, Group
from denseba_ros.cli.exit_status import WRONG_USE


class HelpWithDefaults(argparse.HelpFormatter):
    """Says the default of every option that has one."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        default = default_text(action).replace("%", "%%")
        return f"{action.help} (default: {default})" if default else action.help


def default_text(action: argparse.Action) -> str:
    """The default as a user types it, empty where there is none."""
    default = action.default
    if default is None or isinstance(default, bool) or default == argparse.SUPPRESS:
        return ""
    if isinstance(default, list | tuple):
        return " ".join(str(value) for value in default)
    return str(default)


def build_parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """All commands by name; only the one that ``words`` name has its options.

    What is parsed has ``run``, which takes it and returns the exit status.
    """
    parser = argparse.ArgumentParser(prog="denseba", description="Dense monocular visual SLAM.")
    names = [word for word in words if not word.startswith("-")]
    _add_commands(parser, "COMMAND", COMMANDS, names)
    return parser


def command_parser(name: str, command: Command) -> argparse.ArgumentParser:
    """The parser of one command alone; ``name`` in full, ``train depth`` for example."""
    parser = argparse.ArgumentParser(prog=f"denseba {name}", description=command.summary)
    _load(parser, command)
    return parser


def _add_commands(
    parser: argparse.ArgumentParser,
    placeholder: str,
    commands: Mapping[str, Command | Group],
    names: Sequence[str],
) -> None:
    parser.set_defaults(run=partial(_list_commands, parser))
    subparsers = parser.add_subparsers(metavar=placeholder)
    for name, entry in commands.items():
        subparser = subparsers.add_parser(
            name,
            help=entry.summary,
            description=entry.summary,
            formatter_class=HelpWithDefaults,
        )
        if name != next(iter(names), None):
            continue
        if isinstance(entry, Group):
            _add_commands(subparser, entry.placeholder, entry.commands, names[1:])
        else:
            _load(subparser, entry)


def _load(parser: argparse.ArgumentParser, command: Command) -> None:
    module = importlib.import_module(f"denseba_ros.cli.{command.module}")
    module.add_arguments(parser)
    parser.set_defaults(run=module.run)


def _list_commands(parser: argparse.ArgumentParser, _: argparse.Namespace) -> int:
    """What a command without its name comes to."""
    parser.print_help(sys.stderr)
    return WRONG_USE
