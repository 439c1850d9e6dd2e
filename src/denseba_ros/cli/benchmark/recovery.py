"""``denseba benchmark recovery``: is the place found again after images that show nothing?"""

from __future__ import annotations

import argparse
from dataclasses import asdict

from tqdm import tqdm

from denseba_ros.benchmark.system.recovery import Cuts, interrupted, play, recoveries
from denseba_ros.benchmark.system.recovery_table import recovery_table
from denseba_ros.cli.benchmark.options import add_json_option, write_json
from denseba_ros.cli.exit_status import DONE
from denseba_ros.cli.options.configuration import add_config_options, config_from_options
from denseba_ros.cli.options.sequence import add_sequence_options, open_from_options
from denseba_ros.cli.options.settings import add_settings, settings_from


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba benchmark recovery``."""
    add_sequence_options(parser)
    add_config_options(parser)
    add_json_option(parser)
    add_settings(
        parser,
        Cuts,
        every="cut after every so many frames",
        black="black images at each cut",
        back="then go on from so many frames before the cut",
    )


def run(args: argparse.Namespace) -> int:
    """Print one row for each cut and the sum, and write JSON where asked for.

    Raises:
        DensebaError: on a wrong sequence or configuration, or cuts that do not fit the sequence.
    """
    config = config_from_options(args)
    sequence = open_from_options(args)
    frames = list(tqdm(sequence, total=len(sequence), desc="reading", leave=False, disable=None))
    bar = tqdm(
        interrupted(frames, settings_from(args, Cuts)), unit="frame", leave=False, disable=None
    )
    found = recoveries(play(config, sequence.calibration, bar))
    print(recovery_table(sequence.name, found))
    write_json(args, {"sequence": sequence.name, "cuts": [asdict(one) for one in found]})
    return DONE
