"""``denseba map export``: a map in the formats of other programs."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from tqdm import tqdm

from denseba_ros.cli.exit_status import DONE
from denseba_ros.map_file.export.cloud import CONTENTS, Content
from denseba_ros.map_file.export.exporting import FORMATS, Exporting
from denseba_ros.map_file.map_reader import MapReader


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba map export``."""
    default = Content()
    parser.description = (
        "Writes a map as TUM trajectory (one file a session), point cloud (PLY or PCD, binary), "
        "g2o pose graph (with scales, or SE(3) for viewers) or COLMAP text model with its images. "
        "Lengths are units of the map."
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="map file; it may be in use")
    parser.add_argument("--format", choices=FORMATS, required=True, help="what to write")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="PATH",
        help="file to write, of colmap a folder",
    )
    parser.add_argument(
        "--content",
        choices=CONTENTS,
        default=default.what,
        help="of a cloud: all depths of the keyframes, their points alone, or the cameras' places",
    )
    parser.add_argument(
        "--max-sigma",
        type=float,
        default=default.max_relative_sigma,
        metavar="X",
        help="of a cloud and of colmap: leave out depths with a larger relative deviation",
    )


def run(args: argparse.Namespace) -> int:
    """Write the map and say what was written.

    Raises:
        DensebaError: when the map cannot be read, has no keyframes, or PATH cannot be written.
    """
    exporting = Exporting(
        Content(args.content, args.max_sigma),
        partial(tqdm, unit="keyframe", desc=args.format, disable=None),
    )
    with MapReader(args.file) as map:
        for line in exporting.write(map, args.format, args.out):
            print(line)
    return DONE
