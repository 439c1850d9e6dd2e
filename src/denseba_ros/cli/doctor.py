"""``denseba doctor``: says what is wrong with this machine or a recording, and how to mend it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from functools import partial

from tqdm import tqdm

from denseba_ros.cli.exit_status import DONE, FAILED
from denseba_ros.cli.options.kinds import add_paths, add_switches
from denseba_ros.cli.options.sequence import add_section_options
from denseba_ros.doctor import machine, ros
from denseba_ros.doctor.check import Check, as_json, as_table, has_failure
from denseba_ros.doctor.recording.examination import examine
from denseba_ros.doctor.transport import NAME, check_transport
from denseba_ros.sequences.opening import open_sequence


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba doctor``."""
    add_paths(
        parser,
        "SEQUENCE",
        sequence="look at this recording instead of the machine: stamps, gaps, exposure, blur, "
        "motion, calibration",
    )
    add_section_options(parser)
    add_switches(
        parser,
        json="print JSON instead of a table",
        no_transport="skip the measurement of images between two processes (about 6 s)",
    )


def run(args: argparse.Namespace) -> int:
    """Print every check; 1 when one of them failed, else 0.

    Raises:
        SequenceError: when the recording cannot be opened.
    """
    if args.sequence is None:
        checks = list(_checks(measure=not args.no_transport))
    else:
        checks = _checks_of_recording(args)
    print(json.dumps(as_json(checks), indent=2) if args.json else as_table(checks))
    return FAILED if has_failure(checks) else DONE


def _checks_of_recording(args: argparse.Namespace) -> list[Check]:
    open_with = partial(
        open_sequence,
        args.sequence,
        "auto",
        fps=args.fps,
        start=args.start,
        count=args.count,
        topic=args.topic,
    )
    return examine(open_with, str(args.sequence))


def _checks(measure: bool) -> Iterator[Check]:
    looks: list[Callable[[], Check]] = [
        machine.check_python,
        machine.check_torch,
        machine.check_opencv,
        machine.check_models,
        machine.check_matching,
        machine.check_evo,
        machine.check_disk,
        ros.check_ros,
        ros.check_tf2_msgs,
        ros.check_profile,
        ros.check_receive_buffer,
    ]
    has_ros = True
    # disable=None: no bar where nobody watches; leave=False: only the table stays.
    for look in tqdm(looks, desc="looking", leave=False, disable=None):
        check = look()
        has_ros = has_ros and not (check.name == ros.ROS_NAME and check.status != "OK")
        yield check
    if measure and has_ros:
        yield check_transport()
    elif measure:
        yield Check(NAME, "WARN", "not measured without ROS 2")
