"""``denseba benchmark recovery``: is the place found again after images that show nothing?"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from tqdm import tqdm

from denseba_ros.benchmark.backend.backend_table import aligned
from denseba_ros.benchmark.system.recovery import Cuts, Recovery, interrupted, play, recoveries
from denseba_ros.cli.arguments import (
    add_config_arguments,
    add_sequence_arguments,
    config_from_arguments,
    open_from_arguments,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba benchmark recovery``."""
    add_sequence_arguments(parser)
    add_config_arguments(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all numbers here")
    parser.add_argument(
        "--every", type=int, default=Cuts.every, metavar="N", help="cut after every N frames"
    )
    parser.add_argument("--black", type=int, default=Cuts.black, help="black images at each cut")
    parser.add_argument(
        "--back", type=int, default=Cuts.back, help="then go on from so many frames before"
    )


def run(args: argparse.Namespace) -> int:
    """Print one row for each cut and the sum, and write JSON where asked for.

    Raises:
        DensebaError: on a wrong sequence or configuration, or cuts that do not fit the sequence.
    """
    config = config_from_arguments(args)
    sequence = open_from_arguments(args)
    frames = list(tqdm(sequence, total=len(sequence), desc="reading", leave=False, disable=None))
    cut = interrupted(frames, Cuts(args.every, args.black, args.back))
    found = recoveries(
        play(config, sequence.calibration, tqdm(cut, unit="frame", leave=False, disable=None))
    )
    print(recovery_table(sequence.name, found))
    if args.json is not None:
        everything = {"sequence": sequence.name, "cuts": [asdict(one) for one in found]}
        args.json.write_text(json.dumps(everything, indent=2) + "\n")
    return 0


def recovery_table(name: str, found: Sequence[Recovery]) -> str:
    """One row a cut; offsets in units of the odometry and in percent of the way until the cut."""
    header = ("view of frame", "images", "offset", "of the path", "ms / image")
    rows = [(f"{one.frame}", *_cells(one), f"{1e3 * one.seconds:.0f}") for one in found]
    soon = sum(one.images is not None and one.images <= 5 for one in found)
    ever = sum(one.images is not None for one in found)
    offsets = [one.offset for one in found if one.offset is not None]
    middle = f"; median offset {np.median(offsets):.3f}" if offsets else ""
    summary = (
        f"{name}: {len(found)} cuts, found again after {ever}, within five images after {soon}"
    )
    return "\n".join([*aligned([header, *rows]), summary + middle])


def _cells(one: Recovery) -> tuple[str, str, str]:
    images = "never" if one.images is None else f"{one.images}"
    if one.offset is None:
        return images, "", ""
    return images, f"{one.offset:.3f}", f"{one.offset / one.path:.2%}" if one.path else ""
