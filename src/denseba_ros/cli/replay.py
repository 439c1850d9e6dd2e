"""``denseba replay``: publish a recorded sequence or bag as topics of a camera and its IMU."""

from __future__ import annotations

import argparse
from collections.abc import Generator
from contextlib import closing

from tqdm import tqdm

from denseba_ros.cli.exit_status import DONE, INTERRUPTED
from denseba_ros.cli.options.kinds import add_switches
from denseba_ros.cli.options.output import add_namespace_option
from denseba_ros.cli.options.sequence import add_sequence_options, open_from_options
from denseba_ros.cli.options.settings import add_settings, settings_from
from denseba_ros.cli.ros_session import ros_session
from denseba_ros.errors import ConfigurationError
from denseba_ros.nodes.tools.player_options import PlayerOptions
from denseba_ros.sequences.prefetch import prefetch
from denseba_ros.sequences.sequence import Sequence, StampedImage, imu_extrinsics_of, imu_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba replay``."""
    add_sequence_options(parser)
    out = parser.add_argument_group("publishing")
    add_namespace_option(out, "of all topics but /clock")
    add_settings(
        out,
        PlayerOptions,
        rate="times real time; 0: no pauses",
        lockstep="wait with each image for the node's `status` of the last: nothing is dropped; "
        "with node.mapping lockstep in the node the result is the same each time",
        image_topic="name to publish images under",
        info_topic="name to publish the calibration under",
        imu_topic="name to publish the IMU under, where the sequence has one",
        frame_id="optical frame",
        imu_frame_id="frame of the IMU",
        wait_subscribers="so many subscribers must listen before the first image",
        sent_log="append to this file: of each published image monotonic time (s), stamp (ns), a 0 "
        "and its index",
    )
    out.add_argument(
        "--encoding",
        choices=("mono8", "bgr8", "rgb8"),
        help="of the images; without it as recorded",
    )
    out.add_argument(
        "--compressed",
        nargs="?",
        const="jpeg",
        choices=("jpeg", "png"),
        help="publish IMAGE/compressed; without a value as jpeg",
    )
    add_switches(
        out, no_clock="do not publish /clock", loop="begin again at the end, until stopped"
    )


def run(args: argparse.Namespace) -> int:
    """0 when everything was published, 130 when stopped before.

    Raises:
        DensebaError: on a wrong sequence, or when nobody listens or, in lockstep, answers.
    """
    if args.rate < 0:
        raise ConfigurationError(f"--rate {args.rate} is negative")
    from denseba_ros.nodes.tools.player import Player

    sequence = open_from_options(args)
    finished = False
    with ros_session() as stop:
        player = Player(
            sequence.calibration,
            _options(args),
            stop,
            imu_of(sequence),
            imu_extrinsics_of(sequence),
            namespace=args.namespace,
        )
        while not stop.is_set() and (args.loop or not finished):
            with closing(_with_progress(sequence)) as frames:
                print(player.play(frames).text())
            finished = not stop.is_set()
        player.destroy_node()
    return DONE if finished else INTERRUPTED


def _options(args: argparse.Namespace) -> PlayerOptions:
    return settings_from(
        args,
        PlayerOptions,
        encoding=args.encoding or "",
        compressed=args.compressed or "",
        publish_clock=not args.no_clock,
    )


def _with_progress(sequence: Sequence) -> Generator[StampedImage, None, None]:
    with closing(prefetch(sequence)) as frames:
        yield from tqdm(frames, total=len(sequence), unit="image", desc="replay", disable=None)
