"""Options of both trainings that go on from a checkpoint: which files are read and written."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Protocol

from denseba_ros.cli.options.kinds import Parser, add_paths
from denseba_ros.errors import ConfigurationError
from denseba_ros.training.common.curve_plot import plot_curve


class Resumable(Protocol):
    """A trainer that goes on from its checkpoint."""

    def load(self, path: Path) -> None:
        """Go on from the file."""
        ...


def add_weight_options(parser: Parser, weights_help: str) -> None:
    """Add --out and --weights."""
    add_paths(parser, "FILE", out="write weights as safetensors", weights=weights_help)


def add_progress_options(parser: Parser) -> None:
    """Add --begin, --checkpoint, --log and --curve."""
    add_paths(
        parser,
        "FILE",
        begin="weights of an earlier training to go on from",
        checkpoint="saved while training; where it exists, training goes on from it",
        log="losses as JSON lines, appended",
    )
    add_paths(parser, "PNG", curve="picture of the log")


def check_curve(args: argparse.Namespace) -> None:
    """Before a training, not after it: raises ConfigurationError on --curve without --log."""
    if args.curve is not None and args.log is None:
        raise ConfigurationError("--curve needs the --log that it draws")


def resume(trainer: Resumable, args: argparse.Namespace) -> None:
    """Go on from --checkpoint where it exists. Raises ConfigurationError on one of another kind."""
    if args.checkpoint is not None and args.checkpoint.is_file():
        trainer.load(args.checkpoint)


def draw_curve(args: argparse.Namespace) -> None:
    """Draw --log where --curve says, or not."""
    if args.curve is not None:
        plot_curve(args.curve, args.log)
