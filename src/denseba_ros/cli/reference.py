"""The command line as a page of documentation, written from the parsers.

``python -m denseba_ros.cli.reference`` prints what belongs into docs/command_line.md; a test
compares the two.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence

from denseba_ros.cli.commands import COMMANDS
from denseba_ros.cli.parser import command_parser, default_text

_HEAD = """\
<!-- Written by `python -m denseba_ros.cli.reference > docs/command_line.md`. -->
# Command line

`denseba COMMAND --help` says the same in a terminal. Options may come in any order, `--option
VALUE` and `--option=VALUE` are the same, and a list of values ends at the next option.

| Exit status | Meaning |
|---|---|
| 0 | done |
| 1 | done, but the result is bad: a check failed, nothing came; or a bug, with its traceback |
| 2 | a mistake that you can mend: a wrong option, file or parameter, or ROS 2 is missing |
| 3 | no image was tracked (`run`, `record`, `evaluate`, `demo`), or no place of its map found |
| 130 | stopped by Ctrl-C; `denseba run` keeps what it has estimated |

What stands between `--ros-args` and `--` is left to ROS 2.

| Command | What it does |
|---|---|
"""


def command_reference() -> str:
    """The whole page, Markdown."""
    rows = (
        f"| [`{name}`](#denseba-{name.replace(' ', '-')}) | {summary} |"
        for name, summary in COMMANDS.items()
    )
    sections = (_section(command_parser(name)) for name in COMMANDS)
    return _HEAD + "\n".join(rows) + "\n\n" + "\n".join(sections)


def _section(parser: argparse.ArgumentParser) -> str:
    """One command: what it does, how it is called, every option."""
    actions = list(_actions(parser))
    rows = (
        f"| {_signature(action)} | {_default(action)} | {_meaning(action)} |" for action in actions
    )
    lines = [
        f"## {parser.prog}",
        "",
        _sentence(parser.description or ""),
        "",
        f"    {_usage(parser.prog, actions)}",
        "",
        "| Option | Default | Meaning |",
        "|---|---|---|",
        *rows,
    ]
    return "\n".join(lines) + "\n"


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Arguments, then options, as they were added; without --help."""
    # argparse has no public way to list them.
    actions = [a for a in parser._actions if not isinstance(a, argparse._HelpAction)]
    return iter(sorted(actions, key=lambda action: bool(action.option_strings)))


def _usage(prog: str, actions: Sequence[argparse.Action]) -> str:
    """What must be given, and that there is more."""
    words = [_values(a) for a in actions if not a.option_strings]
    words += [_plain(a) for a in actions if a.option_strings and a.required]
    return " ".join([prog, *words, "[options]"])


def _signature(action: argparse.Action) -> str:
    if isinstance(action, argparse.BooleanOptionalAction):
        return ", ".join(f"`{option}`" for option in action.option_strings)
    return f"`{_plain(action)}`"


def _plain(action: argparse.Action) -> str:
    """The option's name and its values, ``--size N N`` for example."""
    return " ".join(word for word in (*action.option_strings[:1], _values(action)) if word)


def _values(action: argparse.Action) -> str:
    """Placeholders of the values: brackets where they may be left out, dots where more may come."""
    if action.nargs == 0:
        return ""
    name = action.metavar or action.dest.upper()
    if isinstance(name, tuple):
        return " ".join(name)
    if isinstance(action.nargs, int):
        return " ".join([name] * action.nargs)
    patterns = {"?": "[{0}]", "*": "[{0} ...]", "+": "{0} [{0} ...]"}
    return patterns.get(action.nargs or "", "{0}").format(name)


def _default(action: argparse.Action) -> str:
    default = default_text(action)
    return f"`{default}`" if default else ""


def _meaning(action: argparse.Action) -> str:
    """The help text, the choices, and whether it must be given."""
    texts = [action.help or ""]
    if action.choices is not None:
        texts.append("one of " + ", ".join(f"`{choice}`" for choice in action.choices))
    if action.required and action.option_strings:
        texts.append("required")
    return "; ".join(texts)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


if __name__ == "__main__":
    sys.stdout.write(command_reference())
