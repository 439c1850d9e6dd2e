"""``denseba map check``: reads all of a map file and names what is damaged."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from tqdm import tqdm

from denseba_ros.cli.exit_status import DONE, FAILED
from denseba_ros.map_file.map_check import check_map, unjoined_sessions
from denseba_ros.map_file.map_reader import MapReader


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``denseba map check``."""
    parser.description = (
        "Checks the pages of the file, reads every keyframe, pose and edge, and looks whether the "
        "keyframes of each session are joined. Exit status 1 when something is wrong."
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="map file; it may be in use")


def run(args: argparse.Namespace) -> int:
    """0 when all is as it should be, 1 when something is damaged.

    Raises:
        DensebaError: when the file cannot be opened as a map at all.
    """
    with MapReader(args.file) as map:
        problems = check_map(map, partial(tqdm, unit="keyframe", leave=False, disable=None))
        for problem in problems:
            print(problem)
        if problems:
            return FAILED
        for note in unjoined_sessions(map):
            print(f"note: {note}", file=sys.stderr)
        print(f"{args.file}: {len(map.keyframe_ids())} keyframes, nothing is wrong")
    return DONE
