"""``denseba train pose``: train the recurrent pose network from streams of images."""

from __future__ import annotations

import argparse
import json
import math
import os
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist

from denseba_ros.cli.arguments import check_curve
from denseba_ros.device import pick_device
from denseba_ros.errors import SequenceError
from denseba_ros.frontend.pose.pose_model import NetworkPose
from denseba_ros.frontend.pose.pose_network_file import PoseWeights, load_pose, save_pose
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.sequences.readers.image_sequence import ImageSequence
from denseba_ros.sequences.trajectory import associate
from denseba_ros.training.common.curve_plot import plot_curve
from denseba_ros.training.pose.pose_augmentation import PoseAugmentation
from denseba_ros.training.pose.pose_evaluation import evaluate_pose
from denseba_ros.training.pose.pose_training import PoseTrainer, PoseTraining
from denseba_ros.training.streaming.image_reader import ImageReader, ReaderSettings
from denseba_ros.training.streaming.trajectory_stream import ImageTrajectory, StreamSettings

_STAMP_TOLERANCE_NS = 5_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba train pose``."""
    parser.add_argument("--data", type=Path, nargs="+", required=True, metavar="SEQUENCE")
    parser.add_argument("--split", type=float, default=1.0, help="share of each that is trained on")
    parser.add_argument(
        "--weights", type=Path, metavar="FILE", help="evaluate these on the rest, do not train"
    )
    parser.add_argument("--url", help="read the images below this location instead of SEQUENCE")
    parser.add_argument("--out", type=Path, metavar="FILE", help="weights as safetensors")
    parser.add_argument("--begin", type=Path, help="weights of an earlier training to go on from")
    parser.add_argument("--checkpoint", type=Path, help="goes on from it where it exists")
    parser.add_argument("--log", type=Path, help="JSON lines, appended")
    parser.add_argument("--curve", type=Path, metavar="PNG", help="picture of the log")
    parser.add_argument("--chunks", type=int, default=PoseTraining.chunks)
    parser.add_argument("--rate", type=float, default=PoseTraining.rate)
    parser.add_argument("--batch", type=int, default=StreamSettings.batch_size, help="lanes")
    parser.add_argument("--length", type=int, default=StreamSettings.trajectory_length)
    parser.add_argument("--size", type=int, nargs=2, default=StreamSettings.size)
    parser.add_argument("--mirror", action="store_true", help="half of the runs as in a mirror")
    parser.add_argument(
        "--turn",
        type=float,
        default=0.0,
        metavar="DEGREES",
        help="tremble of the camera, and another exposure, for half of the lanes",
    )
    parser.add_argument(
        "--strides",
        type=int,
        nargs="+",
        default=[1],
        help="also every so many images; negative ones backwards in time",
    )
    parser.add_argument("--ned", action="store_true", help="say motions in NED axes")
    parser.add_argument("--direction", action="store_true", help="no length of translations")
    parser.add_argument("--deadline", type=float, default=ReaderSettings.deadline)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")


def run(args: argparse.Namespace) -> int:
    """Train and write, or evaluate.

    Raises:
        SequenceError: when a sequence has no poses.
        ConfigurationError: when the checkpoint is of another training, the weights are broken, or
            the device is not there.
    """
    check_curve(args)
    if args.weights is not None:
        return _evaluate(args)
    # torchrun says so: several processes share the training.
    distributed = "WORLD_SIZE" in os.environ
    device = pick_device(args.device)
    if distributed:
        if device.type == "cuda":
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        return _train(args, device)
    finally:
        if distributed:
            dist.destroy_process_group()


def _variation(degrees: float) -> PoseAugmentation:
    """Nothing at 0 degrees, else with exposures that go with it."""
    if degrees == 0.0:
        return PoseAugmentation()
    return PoseAugmentation(math.radians(degrees), gain=0.1, offset=5.0, noise=2.0)


def _evaluate(args: argparse.Namespace) -> int:
    model, reader = NetworkPose(load_pose(args.weights), pick_device("cpu")), ImageReader()
    reports = {}
    for path in args.data:
        rest = read_trajectories(path, args.url, args.split if args.split < 1.0 else 0.0, 1.0)
        reports[path.name] = evaluate_pose(model, rest, reader)
    print(json.dumps(reports, indent=2))
    return 0


def _train(args: argparse.Namespace, device: torch.device) -> int:
    stream = StreamSettings(
        args.batch, args.length, tuple(args.size), seed=args.seed, mirror=args.mirror
    )
    settings = PoseTraining(
        chunks=args.chunks,
        rate=args.rate,
        ned=args.ned,
        metric=not args.direction,
        augmentation=_variation(args.turn),
        stream=stream,
    )
    reader = ImageReader(ReaderSettings(deadline=args.deadline))
    trajectories = [
        strided
        for path in args.data
        for one in read_trajectories(path, args.url, 0.0, args.split)
        for stride in args.strides
        if (strided := one.every(stride)) is not None
    ]
    begin = None if args.begin is None else load_pose(args.begin).network
    trainer = PoseTrainer(trajectories, reader, settings, device, begin)
    if args.checkpoint is not None and args.checkpoint.is_file():
        trainer.load(args.checkpoint)
    network = trainer.run(args.checkpoint, args.log).cpu()
    if args.out is not None:
        save_pose(PoseWeights(network, stream.size), args.out)
    if args.curve is not None:
        plot_curve(args.curve, args.log)
    return 0


def read_trajectories(
    path: Path, url: str | None, begin: float, end: float
) -> list[ImageTrajectory]:
    """The images with a known pose between two shares of a sequence, cut where one has none."""
    sequence = open_sequence(path)
    if not isinstance(sequence, ImageSequence):
        raise SequenceError(f"{path}: not a sequence of image files")
    truth = sequence.groundtruth()
    if truth is None:
        raise SequenceError(f"{path}: no poses to learn from")
    count = len(sequence.files)
    files = sequence.files[int(begin * count) : int(end * count)]
    stamps = np.array([file.stamp_ns for file in files])
    found, at = associate(stamps, truth.stamps_ns, _STAMP_TOLERANCE_NS)
    pieces = np.split(np.arange(len(found)), np.nonzero(np.diff(found) != 1)[0] + 1)
    root = url.rstrip("/") if url else str(path)
    return [
        ImageTrajectory(
            [f"{root}/{files[found[k]].path.relative_to(path).as_posix()}" for k in piece],
            truth.T_world_camera[at[piece]],
            sequence.calibration,
        )
        for piece in pieces
        if len(piece) > 1
    ]
