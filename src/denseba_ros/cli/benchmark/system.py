"""``denseba benchmark system``: frames per second, stages and memory on a real sequence."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from tqdm import tqdm

from denseba_ros.benchmark.system.palindrome import palindrome
from denseba_ros.benchmark.system.system_benchmark import run_system
from denseba_ros.benchmark.system.system_report import plot_blocks, system_table
from denseba_ros.cli.benchmark.options import add_json_option, check_counts, write_json
from denseba_ros.cli.exit_status import DONE
from denseba_ros.cli.options.configuration import add_config_options, config_from_options
from denseba_ros.cli.options.kinds import add_counts, add_paths
from denseba_ros.cli.options.sequence import add_sequence_options, open_from_options
from denseba_ros.device import pick_device
from denseba_ros.evaluation.results.run_statistics import machine_summary
from denseba_ros.sequences.sequence import StampedImage


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba benchmark system``."""
    add_sequence_options(parser)
    add_config_options(parser)
    add_json_option(parser)
    add_counts(parser, loop=(None, "play the sequence forth and back for N frames"))
    add_paths(parser, "PNG", plot="picture of the blocks of --loop")


def run(args: argparse.Namespace) -> int:
    """Print the table, and write JSON and the picture where asked for.

    Raises:
        DensebaError: on a wrong sequence, configuration or calibration, or a loop of no frames.
    """
    check_counts(args, "loop")
    config = config_from_options(args)
    sequence = open_from_options(args)
    # Reading from disk is no part of the system: all images are decoded first.
    images = list(tqdm(sequence, total=len(sequence), desc="reading", leave=False, disable=None))
    frames: Iterable[StampedImage] = images if args.loop is None else palindrome(images, args.loop)
    count = len(images) if args.loop is None else args.loop
    bar = tqdm(frames, total=count, unit="frame", leave=False, disable=None)
    result = run_system(config, sequence.calibration, bar)
    print(system_table(sequence.name, result))
    machine = machine_summary(pick_device(config.device))
    write_json(args, {"sequence": sequence.name, "machine": machine, **result.as_json()})
    if args.plot is not None:
        plot_blocks(args.plot, sequence.name, result)
    return DONE
