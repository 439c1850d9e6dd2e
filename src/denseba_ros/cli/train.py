"""``denseba train``: trains the networks."""

from __future__ import annotations

import argparse

from denseba_ros.cli import train_depth, train_matching, train_pose
from denseba_ros.cli.subcommands import add_group, run_one

TRAININGS = {
    "depth": (train_depth, "depth from one image, from stereo, RGB-D, video and the rendered room"),
    "pose": (train_pose, "motion between images, from streams of images with known poses"),
    "matching": (train_matching, "weights of learned matches, through the five-point solver"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add one subcommand for each network."""
    add_group(parser, "network", TRAININGS)


run = run_one
