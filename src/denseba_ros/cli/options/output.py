"""Where a command writes and shows its results, and under which names it publishes or listens."""

from __future__ import annotations

import argparse
from pathlib import Path

from denseba_ros.cli.options.kinds import Parser, add_paths, add_switches
from denseba_ros.sequences.sequence import Sequence
from denseba_ros.viewer.live_view import LiveView
from denseba_ros.viewer.opening import open_view


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


def add_view_options(parser: argparse.ArgumentParser) -> None:
    """Add --view and --record, which need the extra ``view``."""
    add_switches(parser, view="show images, map, path and timings in rerun's viewer meanwhile")
    add_paths(parser, "FILE.rrd", record="write what --view shows to a file that `rerun` opens")


def view_from_options(args: argparse.Namespace, sequence: Sequence) -> LiveView | None:
    """The view that was asked for, beside the sequence's ground truth; None without.

    Raises:
        ConfigurationError: when it cannot be had here.
    """
    if not args.view and args.record is None:
        return None
    return open_view(args.view, args.record, sequence.groundtruth())


def add_namespace_option(parser: Parser, help_text: str) -> None:
    """Add --namespace, a ROS namespace."""
    parser.add_argument("--namespace", default="", help=help_text)
