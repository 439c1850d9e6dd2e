"""``denseba calibrate``: intrinsics and distortion of the camera that recorded a clip."""

from __future__ import annotations

import argparse
from pathlib import Path

from denseba_ros.calibration.estimate import SECTIONS, VIEWS, CameraEstimate, estimate_camera
from denseba_ros.calibration.report import Verdict, as_lines, compare, how_well
from denseba_ros.cli.exit_status import DONE, FAILED
from denseba_ros.cli.options.kinds import add_counts
from denseba_ros.cli.options.sequence import add_uncalibrated_sequence_options
from denseba_ros.errors import CalibrationError, ConfigurationError, SequenceError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.calibration_source import (
    Uncalibrated,
    given_calibration,
)
from denseba_ros.sequences.camera_info import write_camera_info
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.sequences.rendered_names import is_rendered_name
from denseba_ros.sequences.sequence import Sequence

_LEAST_VIEWS = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba calibrate``."""
    add_uncalibrated_sequence_options(parser)
    parser.add_argument(
        "--out", type=Path, metavar="camera.yaml", help="write what was found, as camera_info YAML"
    )
    parser.add_argument(
        "--check",
        metavar="CALIBRATION",
        help="also say by how much this calibration, as for --intrinsics of `denseba run`, is off; "
        "without it the recording's own is checked, if it has one",
    )
    parser.add_argument(
        "--model",
        choices=("plumb_bob", "equidistant"),
        default="plumb_bob",
        help="distortion: of ordinary lenses, or of fisheye lenses",
    )
    add_counts(
        parser,
        images=(VIEWS, "images of each section that is put together"),
        sections=(SECTIONS, "sections of the clip at most; two are enough where they determine it"),
    )


def run(args: argparse.Namespace) -> int:
    """0 when the clip determines the camera and a calibration that is checked fits it, else 1.

    Raises:
        DensebaError: on a wrong sequence or calibration, or one in which nothing can be found.
    """
    if args.images < _LEAST_VIEWS or args.sections < 1:
        raise ConfigurationError(f"at least {_LEAST_VIEWS} images in 1 section are needed")
    if args.out is not None and not args.out.absolute().parent.is_dir():
        # Said now and not after minutes of work.
        raise ConfigurationError(f"{args.out}: its folder does not exist")
    images = _open(args, None if is_rendered_name(args.sequence) else Uncalibrated())
    size = images.calibration.width, images.calibration.height
    checked = _checked(args, size)
    estimate = estimate_camera(images, size, args.model, args.images, args.sections)
    print("\n".join(as_lines(estimate)))
    verdicts = [how_well(estimate)]
    if checked is not None:
        verdicts.append(compare(estimate, *checked))
    _print(verdicts)
    if args.out is not None:
        _write(args.out, estimate, images.name)
    return DONE if all(verdict.is_good for verdict in verdicts) else FAILED


def _open(args: argparse.Namespace, calibration: Uncalibrated | None) -> Sequence:
    return open_sequence(
        args.sequence,
        format=args.format,
        calibration=calibration,
        fps=args.fps,
        start=args.start,
        count=args.count,
        topic=args.topic,
    )


def _checked(args: argparse.Namespace, size: tuple[int, int]) -> tuple[Calibration, str] | None:
    """The calibration to compare with, and its name."""
    if args.check is not None:
        given = given_calibration(args.check, size)
        return None if given is None else (given, args.check)
    try:
        return _open(args, None).calibration, "the recording's own calibration"
    except (CalibrationError, SequenceError):
        return None


def _print(verdicts: list[Verdict]) -> None:
    for verdict in verdicts:
        print("\n".join(verdict.sentences))


def _write(path: Path, estimate: CameraEstimate, name: str) -> None:
    try:
        write_camera_info(path, estimate.calibration, name)
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror or error}") from error
    print(f"{path}: written; use it with --intrinsics {path}")
