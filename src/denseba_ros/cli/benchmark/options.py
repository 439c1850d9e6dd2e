"""Options of several benchmarks: where the numbers go, and how often a timing is repeated."""

from __future__ import annotations

import argparse
import json
from typing import Any

from denseba_ros.cli.options.configuration import add_device_option
from denseba_ros.cli.options.kinds import add_counts, add_paths, option_name
from denseba_ros.errors import ConfigurationError


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Add --json."""
    add_paths(parser, "FILE", json="also write all numbers here")


def add_timing_options(parser: argparse.ArgumentParser, repeat: int) -> None:
    """Add --device, --json and --repeat, whose default is ``repeat``."""
    add_device_option(parser)
    add_json_option(parser)
    add_counts(parser, repeat=(repeat, "repetitions of each timing"))


def check_counts(args: argparse.Namespace, *names: str) -> None:
    """Raises ConfigurationError when one of the options ``names`` is below one."""
    for name in names:
        count = getattr(args, name)
        if count is not None and count < 1:
            raise ConfigurationError(f"{option_name(name)} {count}: at least 1")


def write_json(args: argparse.Namespace, numbers: dict[str, Any]) -> None:
    """Write the ``numbers`` where --json says, or nowhere."""
    if args.json is not None:
        args.json.write_text(json.dumps(numbers, indent=2) + "\n")
