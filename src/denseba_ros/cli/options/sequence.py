"""Which recorded sequence to read, and how."""

from __future__ import annotations

import argparse
from pathlib import Path

from denseba_ros.cli.options.kinds import Parser, add_counts, add_numbers, option_name
from denseba_ros.config import TOPIC, FrontendConfig
from denseba_ros.sequences.brightness.image_range import AUTO
from denseba_ros.sequences.opening import FORMATS, open_sequence
from denseba_ros.sequences.readers.measured_depth import DepthRequest
from denseba_ros.sequences.sequence import Sequence


def add_sequence_options(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """Add SEQUENCE, which may be left out when ``optional``, and how to read it."""
    _add_sequence(parser, optional)
    _add_calibration(parser)
    add_section_options(parser)
    parser.add_argument(
        "--depth-topic",
        metavar="TOPIC",
        help="with frontend.depth_model=topic: of several depth topics of a bag the one that is "
        "registered to the camera",
    )


def add_uncalibrated_sequence_options(parser: argparse.ArgumentParser) -> None:
    """Add SEQUENCE, whose calibration is not asked for, and how to read it."""
    _add_sequence(parser, optional=False)
    add_section_options(parser)
    parser.set_defaults(intrinsics=None, depth_topic=None)


def _add_sequence(parser: argparse.ArgumentParser, optional: bool) -> None:
    parser.add_argument(
        "sequence",
        metavar="SEQUENCE",
        type=Path,
        nargs="?" if optional else None,
        help="folder, video file or bag to read, or a rendered sequence: room, building, "
        "building:there_and_back and more",
    )
    parser.add_argument("--format", choices=FORMATS, default="auto", help="layout of SEQUENCE")


def _add_calibration(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--intrinsics",
        metavar="fx,fy,cx,cy[,k1,k2,p1,p2]",
        help="calibration in pixels, or a calibration file of ROS, Kalibr, ORB-SLAM, VINS, OpenCV, "
        "COLMAP, DSO or KITTI, or JSON (FILE:NAME for one of several cameras); overrides the "
        "sequence's own",
    )


def add_section_options(parser: Parser) -> None:
    """Add the rate of what has no stamps, which frames, and of which of several cameras."""
    add_numbers(parser, fps=(None, "frames per second where there are no stamps"))
    add_counts(
        parser,
        start=(0, "first frame, counted from 0"),
        count=(None, "number of frames; without it all"),
    )
    parser.add_argument(
        "--topic",
        help="of several cameras: image topic of a bag, or part of the names of its images",
    )


def sequence_words(args: argparse.Namespace) -> list[str]:
    """SEQUENCE and its options as they were given, for the command line of another process."""
    words = [str(args.sequence), "--format", args.format, "--start", str(args.start)]
    for name in ("intrinsics", "fps", "count", "topic", "depth_topic"):
        if getattr(args, name) is not None:
            words += [option_name(name), str(getattr(args, name))]
    return words


def open_from_options(args: argparse.Namespace, frontend: FrontendConfig | None = None) -> Sequence:
    """The sequence that the options describe, with what ``frontend`` says of 16-bit images and of
    depth.

    Raises:
        SequenceError, CalibrationError: as ``open_sequence``.
    """
    return open_sequence(
        args.sequence,
        format=args.format,
        calibration=args.intrinsics,
        fps=args.fps,
        start=args.start,
        count=args.count,
        topic=args.topic,
        image_range=AUTO if frontend is None else frontend.image_range,
        depth=None if frontend is None else _depth_request(frontend, args.depth_topic),
    )


def _depth_request(frontend: FrontendConfig, topic: str | None) -> DepthRequest | None:
    if frontend.depth_model != TOPIC:
        return None
    tolerance_ns = round(1e9 * frontend.depth_tolerance)
    return DepthRequest(frontend.depth_units, tolerance_ns, topic)
