"""Command line options that several commands share: which sequence, which configuration."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import yaml

from denseba_ros.config import Config
from denseba_ros.errors import ConfigurationError
from denseba_ros.sequences.opening import FORMATS, open_sequence
from denseba_ros.sequences.sequence import Sequence


def add_sequence_arguments(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """Add SEQUENCE, which may be left out when ``optional``, and how to read it."""
    parser.add_argument(
        "sequence",
        type=Path,
        nargs="?" if optional else None,
        help="folder, video file or bag to read",
    )
    parser.add_argument("--format", choices=FORMATS, default="auto", help="layout of SEQUENCE")
    parser.add_argument(
        "--intrinsics",
        metavar="fx,fy,cx,cy[,k1,k2,p1,p2]",
        help="calibration in pixels, or a calibration file; overrides the sequence's own",
    )
    parser.add_argument("--fps", type=float, help="frames per second where there are no stamps")
    parser.add_argument("--start", type=int, default=0, help="first frame, counted from 0")
    parser.add_argument("--count", type=int, help="number of frames, default all")
    parser.add_argument("--topic", help="image topic of a bag, where it holds several")


def open_from_arguments(args: argparse.Namespace) -> Sequence:
    """The sequence that ``add_sequence_arguments`` describes.

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
    )


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --config, --set and --device."""
    parser.add_argument("--config", type=Path, help="YAML file of parameters (config/denseba.yaml)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="override one parameter, for example backend.window=5; may be repeated",
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), help="where to compute")


def config_from_arguments(args: argparse.Namespace) -> Config:
    """Defaults, then the file, then every --set in order, then --device.

    Raises:
        ConfigurationError: on an unknown name or a value out of range.
    """
    config = Config.from_dict({}) if args.config is None else Config.from_yaml(args.config)
    values = config.model_dump()
    for assignment in args.set:
        _assign(values, assignment)
    if args.device is not None:
        values["device"] = args.device
    return Config.from_dict(values)


def _assign(values: dict[str, Any], assignment: str) -> None:
    name, equals, text = assignment.partition("=")
    if not equals or not name:
        raise ConfigurationError(f"--set {assignment!r}: write it as NAME=VALUE")
    *sections, key = name.split(".")
    for section in sections:
        values = values.get(section)  # type: ignore[assignment]
        if not isinstance(values, dict):
            raise ConfigurationError(f"--set {assignment!r}: there is no section {section!r}")
    try:
        values[key] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"--set {assignment!r}: {error}") from error


def check_curve(args: argparse.Namespace) -> None:
    """Before a training, not after it: raises ConfigurationError on --curve without --log."""
    if args.curve is not None and args.log is None:
        raise ConfigurationError("--curve needs the --log that it draws")
