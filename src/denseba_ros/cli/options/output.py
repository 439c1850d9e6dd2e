"""Where a command writes its results, and under which names it publishes or listens."""

from __future__ import annotations

import argparse
from pathlib import Path

from denseba_ros.cli.options.kinds import Parser


def add_out_option(parser: argparse.ArgumentParser, default: Path | None = None) -> None:
    """Add --out, which must be given where there is no ``default``."""
    parser.add_argument(
        "--out",
        type=Path,
        required=default is None,
        default=default,
        metavar="DIR",
        help="folder for the results",
    )


def add_namespace_option(parser: Parser, help_text: str) -> None:
    """Add --namespace, a ROS namespace."""
    parser.add_argument("--namespace", default="", help=help_text)
