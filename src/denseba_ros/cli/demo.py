"""``denseba demo``: a camera stream through real ROS 2 processes, compared with ground truth."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from denseba_ros.cli.demo_report import print_report
from denseba_ros.cli.exit_status import DONE, FAILED, NO_MAP
from denseba_ros.cli.options.kinds import add_paths, add_switches
from denseba_ros.cli.options.output import add_out_option
from denseba_ros.cli.options.sequence import (
    add_sequence_options,
    open_from_options,
    sequence_words,
)
from denseba_ros.cli.record import READY
from denseba_ros.errors import DensebaError
from denseba_ros.nodes.tools.processes import (
    Processes,
    denseba_command,
    node_command,
    private_environment,
    ros_is_here,
)
from denseba_ros.resources import share_file
from denseba_ros.sequences.rendering.rendered_folder import write_rendered
from denseba_ros.sequences.room.synthetic_room import RoomSequence

_ROOM_FRAMES = 120
_START_SECONDS = 60.0
_SECONDS_PER_IMAGE = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba demo``."""
    parser.description = (
        "Replays SEQUENCE, or a room that it renders, into a denseba_node, records what comes out, "
        "and compares it with ground truth: three processes over ROS 2. The verdict is of "
        "`odometry`, what a robot hears; the error of the pose in map is printed too."
    )
    add_sequence_options(parser, optional=True)
    add_out_option(parser, Path("demo"))
    add_paths(parser, "FILE", params="parameter file; without it config/denseba.yaml")
    add_switches(parser, direct="the core alone, without ROS 2")


def run(args: argparse.Namespace) -> int:
    """0 when the result is sane, 1 when it is not, 3 when no map was started.

    Raises:
        DensebaError: when the sequence is wrong or a process fails.
    """
    started = time.monotonic()
    is_room = args.sequence is None
    if is_room:
        args.sequence = _rendered_room(args)
    sequence = open_from_options(args)
    results = args.out / "results"
    missing = ros_is_here()
    if missing or args.direct:
        print(f"2/3 {missing or 'as asked'}: running the core directly, WITHOUT any ROS 2 node")
        _directly(args, results)
    else:
        print("2/3 replay -> denseba_node -> recorder, three processes over ROS 2")
        _through_ros(args, len(sequence), results)
    print("3/3 comparing with ground truth")
    summary = json.loads((results / "summary.json").read_text())
    has_truth = summary["tracked"] > 0 and sequence.groundtruth() is not None
    evaluation = _evaluate(args, results, is_room) if has_truth else None
    sane = print_report(summary, evaluation, len(sequence), is_room=is_room)
    print(f"results in {results} ({time.monotonic() - started:.0f} s in all)")
    if not summary["tracked"]:
        return NO_MAP
    return DONE if sane else FAILED


def _rendered_room(args: argparse.Namespace) -> Path:
    """A sequence with exact depth and poses, written below --out."""
    folder: Path = args.out / "room"
    print(f"1/3 rendering a room with exact depth and poses into {folder}")
    room = RoomSequence(frames=args.count or _ROOM_FRAMES)
    write_rendered(folder, room, progress=sys.stderr.isatty())
    return folder


def _directly(args: argparse.Namespace, results: Path) -> None:
    options = ["--out", str(results), "--config", str(_params_file(args))]
    _call(denseba_command("run", *sequence_words(args), *options), may_have_no_map=True)


def _through_ros(args: argparse.Namespace, frames: int, results: Path) -> None:
    """Replay, node and recorder as processes of their own, in lockstep so that none is lost."""
    limit = _START_SECONDS + _SECONDS_PER_IMAGE * frames
    logs = args.out / "log"
    with Processes(private_environment(logs), logs) as processes:
        # A reliable subscription: on a busy machine best effort may lose images by design.
        parameters = {"node.image_qos": "reliable", "node.mapping": "lockstep"}
        processes.start("node", node_command("denseba_node", _params_file(args), parameters))
        record = denseba_command("record", "--out", str(results), "--count", str(frames))
        processes.start("record", record)
        processes.wait_for_line("record", READY, _START_SECONDS)
        replay = denseba_command("replay", *sequence_words(args), "--lockstep")
        processes.start("replay", replay, on_terminal=True)
        _succeed("replay", processes.wait("replay", limit))
        _succeed("record", processes.wait("record", _START_SECONDS), may_have_no_map=True)
        _succeed("node", processes.stop("node"))


def _succeed(name: str, status: int, *, may_have_no_map: bool = False) -> None:
    if status != DONE and not (may_have_no_map and status == NO_MAP):
        raise DensebaError(f"{name} ended with status {status}")


def _params_file(args: argparse.Namespace) -> Path:
    return args.params or share_file("config/denseba.yaml")


def _evaluate(args: argparse.Namespace, results: Path, is_room: bool) -> dict[str, Any]:
    """What ``denseba evaluate`` prints; it also writes the plots."""
    options = [str(results), "--groundtruth", str(args.sequence)]
    if args.fps is not None:
        options += ["--fps", str(args.fps)]
    if is_room:
        options += ["--depth-groundtruth", str(args.sequence / "depth")]
    report: dict[str, Any] = json.loads(_call(denseba_command("evaluate", *options), quiet=True))
    return report


def _call(command: list[str], *, quiet: bool = False, may_have_no_map: bool = False) -> str:
    """Run a command to its end; its standard output when ``quiet``."""
    done = subprocess.run(command, stdout=subprocess.PIPE if quiet else None, check=False)
    _succeed(" ".join(command[3:]), done.returncode, may_have_no_map=may_have_no_map)
    return done.stdout.decode() if quiet else ""
