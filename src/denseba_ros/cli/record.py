"""``denseba record``: write what a node publishes, as `odometry` says it and in map."""

from __future__ import annotations

import argparse
import threading
import time
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from denseba_ros.cli.exit_status import DONE, FAILED, NO_MAP
from denseba_ros.cli.options.kinds import add_counts, add_numbers
from denseba_ros.cli.options.output import add_namespace_option, add_out_option
from denseba_ros.cli.ros_session import ros_session
from denseba_ros.evaluation.results.run_statistics import no_map_in_words

if TYPE_CHECKING:
    from denseba_ros.nodes.tools.recorder import Recorder

READY = "recording"
"""First word on standard output once the recorder is connected to the node."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba record``."""
    parser.description = (
        "Writes until stopped: DIR/odometry.txt (every pose that `odometry` said, in odom), "
        "DIR/map.txt (the same poses in map), DIR/final.txt (with a map: the tracked ones as "
        "`map_path` corrects them at the end), DIR/states.txt (which were tracked, predicted or "
        "lost), their covariances, DIR/depth, DIR/points.ply, and DIR/summary.json with counts "
        "and timing. Poses are of the camera in the frame of the first one, as those of `denseba "
        "run`; TF gives where the camera sits on the base."
    )
    add_out_option(parser)
    add_namespace_option(parser, "of the node's topics")
    add_counts(parser, count=(None, "stop after so many images, dropped ones too"))
    add_numbers(parser, idle=(None, "stop when nothing came for so many seconds"))


def run(args: argparse.Namespace) -> int:
    """0 when something was recorded, 1 when nothing came, 3 when no image was tracked.

    Raises:
        DensebaError: when the folder cannot be used.
    """
    with ros_session() as stop:
        summary = _recorded(args, stop)
    print(
        f"{args.out}: {summary['tracked']} of {summary['frames']} images tracked, "
        f"{summary['keyframes']} keyframes, odometry: {summary['poses']['tracked']} tracked, "
        f"{summary['poses']['predicted']} predicted, {summary['poses']['lost']} lost"
    )
    if not summary["frames"]:
        return FAILED
    if no_map := no_map_in_words(summary):
        print(f"{args.out}: {no_map}")
    return NO_MAP if no_map else DONE


def _recorded(args: argparse.Namespace, stop: threading.Event) -> dict[str, Any]:
    """Record until the end; the summary that was written."""
    from denseba_ros.evaluation.results.recording_writer import RecordingWriter
    from denseba_ros.nodes.tools.recorder import Recorder

    with RecordingWriter(args.out) as writer:
        recorder = Recorder(writer, namespace=args.namespace)
        try:
            _record(recorder, args.count, args.idle, stop)
            recorder.finish()
        finally:
            summary = recorder.summary()
            writer.write_summary(summary)
            recorder.destroy_node()
    return summary


def _record(
    recorder: Recorder, count: int | None, idle: float | None, stop: threading.Event
) -> None:
    """Spin until stopped, ``count`` images were reported, or nothing came for ``idle`` seconds."""
    from rclpy.executors import SingleThreadedExecutor

    executor = SingleThreadedExecutor()
    executor.add_node(recorder)
    said_ready = False
    with tqdm(total=count, unit="image", desc="record", disable=None) as bar:
        while not stop.is_set():
            executor.spin_once(timeout_sec=0.1)
            if not said_ready and recorder.is_connected():
                print(READY, flush=True)
                said_ready = True
            frames = sum(recorder.states.values())
            bar.update(frames - bar.n)
            silent = time.monotonic() - recorder.last_heard
            # The last status may come before the last depth: listen a moment longer.
            if (count is not None and frames >= count and silent > 0.5) or (
                idle is not None and frames and silent > idle
            ):
                break
    executor.shutdown()
