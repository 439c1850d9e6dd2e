"""The parser of the command line.

Only the module of the command that is asked for is imported: some need torch, some need ROS 2,
and ``--help`` needs neither.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from functools import partial
from typing import TypeAlias

from denseba_ros.cli.commands import COMMANDS, GROUPS
from denseba_ros.cli.exit_status import WRONG_USE

# argparse has no public name for it.
Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


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
    names = [word for word in words if not word.startswith("-")]
    wanted = {" ".join(names[:1]), " ".join(names[:2])}
    parser = argparse.ArgumentParser(prog="denseba", description="Dense monocular visual SLAM.")
    choices = {"": _choice(parser)}
    for name, summary in COMMANDS.items():
        group, _, word = name.rpartition(" ")
        if group not in choices:
            choices[group] = _choice(_add_command(choices[""], group, GROUPS[group]))
        command = _add_command(choices[group], word, summary)
        if name in wanted:
            _load(command, name)
    return parser


def command_parser(name: str) -> argparse.ArgumentParser:
    """The parser of one command alone; ``name`` in full, ``train depth`` for example."""
    parser = argparse.ArgumentParser(prog=f"denseba {name}", description=COMMANDS[name])
    _load(parser, name)
    return parser


def _choice(parser: argparse.ArgumentParser) -> Subparsers:
    """Let a command follow; without one, the list is shown."""
    parser.set_defaults(run=partial(_list_commands, parser))
    return parser.add_subparsers(metavar="COMMAND")


def _add_command(choice: Subparsers, word: str, summary: str) -> argparse.ArgumentParser:
    return choice.add_parser(
        word, help=summary, description=summary, formatter_class=HelpWithDefaults
    )


def _load(parser: argparse.ArgumentParser, name: str) -> None:
    module = importlib.import_module(f"denseba_ros.cli.{name.replace(' ', '.')}")
    module.add_arguments(parser)
    parser.set_defaults(run=module.run)


def _list_commands(parser: argparse.ArgumentParser, _: argparse.Namespace) -> int:
    """What a command without its name comes to."""
    parser.print_help(sys.stderr)
    return WRONG_USE
