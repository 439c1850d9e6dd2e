"""``denseba train pose``: train the recurrent pose network from streams of images."""

from __future__ import annotations

import argparse
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.distributed as dist

from denseba_ros.cli.exit_status import DONE
from denseba_ros.cli.options.configuration import add_device_option
from denseba_ros.cli.options.kinds import add_counts, add_numbers, add_switches
from denseba_ros.cli.options.settings import add_settings, settings_from
from denseba_ros.cli.train.options import (
    add_progress_options,
    add_weight_options,
    check_curve,
    draw_curve,
    resume,
)
from denseba_ros.device import pick_device
from denseba_ros.frontend.pose.pose_model import NetworkPose
from denseba_ros.frontend.pose.pose_network_file import PoseWeights, load_pose, save_pose
from denseba_ros.training.pose.pose_augmentation import PoseAugmentation
from denseba_ros.training.pose.pose_evaluation import evaluate_pose
from denseba_ros.training.pose.pose_training import PoseTrainer, PoseTraining
from denseba_ros.training.pose.pose_trajectories import read_trajectories
from denseba_ros.training.streaming.image_reader import ImageReader, ReaderSettings
from denseba_ros.training.streaming.trajectory_stream import ImageTrajectory, StreamSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba train pose``."""
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        required=True,
        metavar="SEQUENCE",
        help="recordings with true poses",
    )
    add_numbers(parser, split=(1.0, "share of each that is trained on"))
    parser.add_argument("--url", help="read the images below this location instead of SEQUENCE")
    add_weight_options(parser, "evaluate these on the rest, do not train")
    add_progress_options(parser)
    add_settings(
        parser,
        PoseTraining,
        chunks="steps of the optimiser",
        rate="highest learning rate",
        ned="say motions in NED axes",
    )
    add_switches(parser, direction="learn the direction of translations, not their length")
    _add_stream_options(parser)
    add_settings(parser, ReaderSettings, deadline="seconds for one request of an image")
    add_device_option(parser)


def _add_stream_options(parser: argparse.ArgumentParser) -> None:
    add_counts(
        parser,
        batch=(StreamSettings.batch_size, "lanes: sequences that are read side by side"),
        length=(StreamSettings.trajectory_length, "images through which gradients flow back"),
    )
    add_settings(
        parser,
        StreamSettings,
        size="width and height of the network's input",
        mirror="half of the runs as in a mirror",
        seed="seed of the initial weights and the order of the runs",
    )
    tremble = "degrees of tremble of the camera, and another exposure, for half of the lanes"
    add_numbers(parser, turn=(0.0, tremble))
    parser.add_argument(
        "--strides",
        type=int,
        nargs="+",
        default=[1],
        metavar="N",
        help="also every so many images; negative ones backwards in time",
    )


def run(args: argparse.Namespace) -> int:
    """Train and write, or evaluate.

    Raises:
        SequenceError: when a sequence has no poses.
        ConfigurationError: when the checkpoint is of another training, the weights are broken, or
            the device is not there.
    """
    check_curve(args)
    if args.weights is not None:
        _evaluate(args)
    else:
        device = pick_device(args.device)
        with _process_group(device):
            _train(args, device)
    return DONE


@contextmanager
def _process_group(device: torch.device) -> Iterator[None]:
    """Several processes share the training where torchrun says so."""
    if "WORLD_SIZE" not in os.environ:
        yield
        return
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def _evaluate(args: argparse.Namespace) -> None:
    model, reader = NetworkPose(load_pose(args.weights), pick_device("cpu")), ImageReader()
    reports = {}
    for path in args.data:
        rest = read_trajectories(path, args.url, args.split if args.split < 1.0 else 0.0, 1.0)
        reports[path.name] = evaluate_pose(model, rest, reader)
    print(json.dumps(reports, indent=2))


def _train(args: argparse.Namespace, device: torch.device) -> None:
    settings = _training_settings(args)
    reader = ImageReader(settings_from(args, ReaderSettings))
    begin = None if args.begin is None else load_pose(args.begin).network
    trainer = PoseTrainer(_trajectories(args), reader, settings, device, begin)
    resume(trainer, args)
    network = trainer.run(args.checkpoint, args.log).cpu()
    if args.out is not None:
        save_pose(PoseWeights(network, settings.stream.size), args.out)
    draw_curve(args)


def _training_settings(args: argparse.Namespace) -> PoseTraining:
    stream = settings_from(
        args, StreamSettings, batch_size=args.batch, trajectory_length=args.length
    )
    augmentation = _augmentation(args.turn)
    return settings_from(
        args, PoseTraining, metric=not args.direction, augmentation=augmentation, stream=stream
    )


def _augmentation(degrees: float) -> PoseAugmentation:
    """Nothing at 0 degrees, else with exposures that go with it."""
    if degrees == 0.0:
        return PoseAugmentation()
    return PoseAugmentation(math.radians(degrees), gain=0.1, offset=5.0, noise=2.0)


def _trajectories(args: argparse.Namespace) -> list[ImageTrajectory]:
    """The part of every sequence that is trained on, at every stride."""
    return [
        strided
        for path in args.data
        for one in read_trajectories(path, args.url, 0.0, args.split)
        for stride in args.strides
        if (strided := one.every(stride)) is not None
    ]
