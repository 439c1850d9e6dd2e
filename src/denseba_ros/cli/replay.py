"""``denseba replay``: publish a recorded sequence or bag as camera topics."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Generator
from contextlib import closing

from tqdm import tqdm

from denseba_ros import transport
from denseba_ros.cli.arguments import add_sequence_arguments, open_from_arguments
from denseba_ros.cli.prefetch import prefetch
from denseba_ros.errors import ConfigurationError
from denseba_ros.sequences.sequence import Sequence, StampedImage

INTERRUPTED = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_sequence_arguments(parser)
    out = parser.add_argument_group("publishing")
    out.add_argument("--rate", type=float, default=1.0, help="times real time; 0: no pauses (1)")
    out.add_argument(
        "--lockstep",
        action="store_true",
        help="wait with each image for the node's `status` of the last: nothing is dropped",
    )
    out.add_argument("--namespace", default="", help="of all topics but /clock")
    out.add_argument("--image-topic", default="image", help="name to publish images under")
    out.add_argument("--info-topic", default="camera_info", help="... and camera_info")
    out.add_argument("--frame-id", default="camera_optical_frame", help="optical frame")
    out.add_argument("--encoding", choices=("mono8", "bgr8", "rgb8"), help="default: as recorded")
    out.add_argument(
        "--compressed", nargs="?", const="jpeg", choices=("jpeg", "png"), help="IMAGE/compressed"
    )
    out.add_argument("--no-clock", action="store_true", help="do not publish /clock")
    out.add_argument("--loop", action="store_true", help="begin again at the end, until stopped")
    out.add_argument(
        "--wait-subscribers", type=int, default=1, metavar="N", help="before the first image (1)"
    )


def run(args: argparse.Namespace) -> int:
    """0 when everything was published, 130 when stopped before.

    Raises:
        DensebaError: on a wrong sequence, or when nobody listens or, in lockstep, answers.
    """
    if args.rate < 0:
        raise ConfigurationError(f"--rate {args.rate} is negative")
    transport.activate()
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    from denseba_ros.nodes.base.stopping import stop_event
    from denseba_ros.nodes.tools.player import Player, PlayerOptions

    sequence = open_from_arguments(args)
    options = PlayerOptions(
        image_topic=args.image_topic,
        info_topic=args.info_topic,
        frame_id=args.frame_id,
        rate=args.rate,
        lockstep=args.lockstep,
        encoding=args.encoding or "",
        compressed=args.compressed or "",
        publish_clock=not args.no_clock,
        wait_subscribers=args.wait_subscribers,
    )
    stop = stop_event()
    rclpy.init(args=sys.argv, signal_handler_options=SignalHandlerOptions.NO)
    try:
        player = Player(sequence.calibration, options, stop, namespace=args.namespace)
        finished = False
        while not stop.is_set() and (args.loop or not finished):
            with closing(_with_progress(sequence)) as frames:
                print(player.play(frames).text())
            finished = not stop.is_set()
        player.destroy_node()
    finally:
        rclpy.try_shutdown()
    return 0 if finished else INTERRUPTED


def _with_progress(sequence: Sequence) -> Generator[StampedImage, None, None]:
    with closing(prefetch(sequence)) as frames:
        yield from tqdm(frames, total=len(sequence), unit="image", desc="replay", disable=None)
