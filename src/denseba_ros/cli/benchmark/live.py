"""``denseba benchmark live``: a node at the camera's rate, over DDS, as a robot hears it."""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from denseba_ros.benchmark.provenance import provenance
from denseba_ros.cli.exit_status import DONE
from denseba_ros.cli.options.configuration import add_config_options
from denseba_ros.cli.options.kinds import add_counts, add_numbers, add_paths
from denseba_ros.cli.options.output import add_out_option
from denseba_ros.cli.options.sequence import (
    add_sequence_options,
    open_from_options,
    sequence_words,
)
from denseba_ros.cli.ros_session import ros_session
from denseba_ros.errors import ConfigurationError
from denseba_ros.evaluation.results.poses_writer import PosesWriter
from denseba_ros.evaluation.results.recorded_pose import RecordedPose
from denseba_ros.evaluation.trajectory.groundtruth import read_groundtruth
from denseba_ros.nodes.tools.player_options import PlayerOptions
from denseba_ros.nodes.tools.processes import (
    Processes,
    denseba_command,
    node_command,
    private_environment,
    ros_is_here,
)
from denseba_ros.resources import share_file
from denseba_ros.sequences.sequence import Sequence
from denseba_ros.sequences.trajectory import Trajectory

if TYPE_CHECKING:
    from denseba_ros.benchmark.live.outputs_heard import OutputsHeard
    from denseba_ros.benchmark.live.process_usage import ProcessUsage

LIVE = "live.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba benchmark live``."""
    parser.description = (
        "Replays SEQUENCE at the camera's rate into a denseba_node and hears what a robot would: "
        "processes over ROS 2, nothing waits for the node. Prints what was tracked and "
        "dropped, the latency from an image to its `odometry`, the errors of odometry and of map, "
        "and the node's cost. Writes DIR/live.json, odometry.txt, map.txt, states.txt and logs."
    )
    add_sequence_options(parser)
    add_out_option(parser, Path("live"))
    add_config_options(parser)
    add_numbers(parser, rate=(PlayerOptions.rate, "times real time"))
    add_counts(parser, load=(0, "keep so many cores busy with other processes"))
    parser.add_argument(
        "--distributed", action="store_true", help="frontend_node and backend_node, two processes"
    )
    add_paths(parser, "PATH", groundtruth="as of `denseba evaluate`; without it the sequence's own")


def run(args: argparse.Namespace) -> int:
    """0 when the run came to its end.

    Raises:
        DensebaError: without ROS 2, on a wrong sequence or option, or when a process fails.
    """
    _check(args)
    sequence = open_from_options(args)
    groundtruth = _groundtruth(args, sequence)
    where = provenance(os.getloadavg()[0])
    heard, usage = _heard(args, len(sequence))
    from denseba_ros.benchmark.live.live_errors import live_errors
    from denseba_ros.benchmark.live.live_figures import live_figures
    from denseba_ros.benchmark.live.live_table import live_table

    poses = heard.poses(PlayerOptions.frame_id)
    _write_poses(args.out, poses)
    figures = live_figures(heard, poses, usage)
    report: dict[str, Any] = {
        "sequence": sequence.name,
        "timing": "live",
        "rate": args.rate,
        "load": args.load,
        "distributed": args.distributed,
        "parameters": _parameters(args),
        **where,
        **figures,
        **live_errors(args.out, groundtruth, figures["odometry_frames"]),
    }
    (args.out / LIVE).write_text(json.dumps(report, indent=2) + "\n")
    print(live_table(report))
    for note in report["notes"]:
        print(f"note: {note}", file=sys.stderr)
    return DONE


def _check(args: argparse.Namespace) -> None:
    """Raises ConfigurationError on what cannot be run."""
    missing = ros_is_here()
    if missing:
        raise ConfigurationError(missing)
    if not args.rate > 0:
        raise ConfigurationError(f"--rate {args.rate:g}: a camera has a rate above 0")
    if args.load < 0:
        raise ConfigurationError(f"--load {args.load}: at least 0")
    _parameters(args)


def _parameters(args: argparse.Namespace) -> dict[str, str]:
    """The node's parameters of --set and --device."""
    parameters = {}
    for assignment in args.set:
        name, equals, value = assignment.partition("=")
        if not equals or not name:
            raise ConfigurationError(f"--set {assignment!r}: write it as NAME=VALUE")
        parameters[name] = value
    if args.device is not None:
        parameters["device"] = args.device
    return parameters


def _groundtruth(args: argparse.Namespace, sequence: Sequence) -> Trajectory | None:
    if args.groundtruth is None:
        return sequence.groundtruth()
    return read_groundtruth(args.groundtruth, fps=args.fps)


def _heard(args: argparse.Namespace, count: int) -> tuple[OutputsHeard, ProcessUsage]:
    """Run node, replay and listener to the end of the images."""
    logs = args.out / "log"
    logs.mkdir(parents=True, exist_ok=True)
    sent_log = args.out / "sent.log"
    for earlier in (sent_log, args.out / LIVE):
        earlier.unlink(missing_ok=True)
    environment = private_environment(logs)
    os.environ.update(environment)  # we are one of the processes
    options = ["--rate", str(args.rate), "--no-clock", "--sent-log", str(sent_log)]
    replay = denseba_command("replay", *sequence_words(args), *options)
    config = args.config or share_file("config/denseba.yaml")
    nodes = {
        name: node_command(name, config, _parameters(args))
        for name in (("frontend_node", "backend_node") if args.distributed else ("denseba_node",))
    }
    with ros_session() as stop, Processes(environment, logs) as processes:
        return _run(processes, stop, nodes, replay, sent_log, args.load, count)


def _run(
    processes: Processes,
    stop: threading.Event,
    nodes: dict[str, list[str]],
    replay: list[str],
    sent_log: Path,
    load: int,
    count: int,
) -> tuple[OutputsHeard, ProcessUsage]:
    from denseba_ros.benchmark.live.live_run import LiveRun
    from denseba_ros.benchmark.live.output_listener import OutputListener

    listener = OutputListener()
    try:
        with tqdm(total=count, unit="image", desc="live", disable=None) as bar:
            live = LiveRun(
                processes,
                listener,
                nodes,
                replay,
                sent_log,
                stop,
                load,
                on_image=lambda done: bar.update(done - bar.n),
            )
            return live.run()
    finally:
        listener.close()


def _write_poses(folder: Path, poses: list[RecordedPose]) -> None:
    writer = PosesWriter(folder)
    for pose in poses:
        writer.add_pose(pose)
    writer.close()
