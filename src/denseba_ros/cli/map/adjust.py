"""``denseba map adjust``: bundle adjustment of all of a saved map."""

from __future__ import annotations

import argparse
import math
from functools import partial
from pathlib import Path

from tqdm import tqdm

from denseba_ros.cli.exit_status import DONE
from denseba_ros.device import pick_device
from denseba_ros.errors import MapFileError
from denseba_ros.global_map.adjustment.saved_adjustment import adjust_saved
from denseba_ros.map_file.map_file import MapFile


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``denseba map adjust``."""
    parser.description = (
        "Adjusts the poses of all keyframes and their points together, by what the images show. "
        "`denseba run` has done so by itself; a node has no time for it."
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="map file, which nobody writes now")


def run(args: argparse.Namespace) -> int:
    """0 when the map is adjusted, or there is nothing to adjust.

    Raises:
        DensebaError: when there is no such map, or another process writes it.
    """
    if not args.file.is_file():
        raise MapFileError(f"{args.file}: no such file")
    with MapFile(args.file) as map:
        progress = partial(tqdm, unit="pair", leave=False, disable=None)
        adjusted = adjust_saved(map, pick_device("auto"), progress)
    if adjusted is None:
        print(f"{args.file}: there is nothing to adjust")
    else:
        print(
            f"{args.file}: {len(adjusted.poses)} keyframes and {adjusted.points} points adjusted; "
            f"median error {adjusted.error_before:.2f} -> {adjusted.error_after:.2f} pixels\n"
            f"beside the calibration: focal length {math.expm1(adjusted.lens.log_focal):+.2%}, "
            f"radial distortion {adjusted.lens.distortion:+.4f}"
        )
    return DONE
