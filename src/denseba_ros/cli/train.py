"""``denseba train``: trains the networks.

Each module of ``TRAININGS`` has ``add_arguments(parser)`` and ``run(args) -> int``.
"""

from __future__ import annotations

import argparse

from denseba_ros.cli import train_depth, train_matching, train_pose

TRAININGS = {
    "depth": (train_depth, "depth from one image, from stereo, RGB-D, video and the rendered room"),
    "pose": (train_pose, "motion between images, from streams of images with known poses"),
    "matching": (train_matching, "weights of learned matches, through the five-point solver"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add one subcommand for each network."""
    subparsers = parser.add_subparsers(dest="network", required=True, metavar="NETWORK")
    for name, (module, summary) in TRAININGS.items():
        subparser = subparsers.add_parser(name, help=summary, description=summary)
        module.add_arguments(subparser)
        subparser.set_defaults(run_training=module.run)


def run(args: argparse.Namespace) -> int:
    """The exit status of the training that was asked for."""
    return int(args.run_training(args))
