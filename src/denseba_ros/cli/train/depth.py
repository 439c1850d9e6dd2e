"""``denseba train depth``: train the depth network, and evaluate one on frames it has not seen."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from denseba_ros.cli.exit_status import DONE
from denseba_ros.cli.options.configuration import add_device_option
from denseba_ros.cli.options.kinds import add_counts, add_numbers, add_paths
from denseba_ros.cli.options.settings import add_settings, settings_from
from denseba_ros.cli.train.options import (
    add_progress_options,
    add_weight_options,
    check_curve,
    draw_curve,
    resume,
)
from denseba_ros.device import pick_device
from denseba_ros.errors import ConfigurationError
from denseba_ros.frontend.depth.depth_network_file import DepthWeights, load_depth, save_depth
from denseba_ros.frontend.depth.depth_network_model import NetworkDepth
from denseba_ros.training.common.pretrained import encoder_weights
from denseba_ros.training.depth.depth_evaluation import evaluate, evaluated_rows
from denseba_ros.training.depth.depth_loading import Loading, load_source
from denseba_ros.training.depth.depth_objective import Objective
from denseba_ros.training.depth.depth_plots import plot_panel
from denseba_ros.training.depth.depth_sources import read_sources
from denseba_ros.training.depth.depth_training import DepthTrainer, DepthTraining
from denseba_ros.training.depth.stereo_hints import HintCache


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba train depth``."""
    parser.add_argument("--root", type=Path, default=Path(), help="folder of all sources")
    add_paths(parser, "YAML", data="sources to train on", evaluate="sources to evaluate on")
    add_paths(parser, "PNG", panel="picture of predictions")
    add_weight_options(parser, "evaluate these, do not train")
    training = parser.add_argument_group("training")
    add_progress_options(training)
    _add_training_options(training)
    add_device_option(parser)


def _add_training_options(training: argparse._ArgumentGroup) -> None:
    cache = Path("hints")
    training.add_argument("--hints", type=Path, default=cache, help="cache of depth hints")
    add_paths(training, "FILE", encoder="weights of EfficientNet-Lite0")
    add_counts(
        training,
        hint_draws=(12, "settings of the stereo matcher"),
        pixels=(32_768, "size of the network's input, about"),
    )
    add_settings(
        training,
        DepthTraining,
        steps="steps of the training",
        batch="images in each step",
        rate="highest learning rate",
        seed="seed of the initial weights and the order of the images",
    )
    add_settings(
        training,
        Objective,
        supervision="what the depth is compared with",
        measured="loss of a measured depth (LiDAR, depth camera)",
        photometric_scales="so many of the finest outputs are warped",
        photometric="weight of the photometric error",
    )
    add_numbers(training, uncertainty=(0.5, "weight of the likelihood beside the hints"))


def run(args: argparse.Namespace) -> int:
    """Train, write and evaluate, whatever of it was asked for.

    Raises:
        ConfigurationError: on contradicting options, broken weights or a broken checkpoint.
        SequenceError: on a source that holds nothing.
    """
    check_curve(args)
    if bool(args.data) == bool(args.weights):
        raise ConfigurationError("give either --data to train on or --weights to evaluate")
    weights = load_depth(args.weights) if args.weights is not None else _train(args)
    if args.out is not None:
        save_depth(weights, args.out)
    draw_curve(args)
    if args.evaluate is not None:
        _evaluate(args, weights)
    return DONE


def _train(args: argparse.Namespace) -> DepthWeights:
    loading = Loading(args.root, args.pixels, HintCache(args.hints, args.hint_draws))
    sets = [load_source(source, loading) for source in read_sources(args.data)]
    settings = settings_from(args, DepthTraining, objective=settings_from(args, Objective))
    device = pick_device(args.device)
    if args.begin is not None:
        trainer = DepthTrainer(sets, settings, device=device, begin=load_depth(args.begin).network)
    else:
        trainer = DepthTrainer(sets, settings, encoder_weights(args.encoder), device)
    resume(trainer, args)
    return DepthWeights(trainer.run(args.checkpoint, args.log).cpu(), args.pixels)


def _evaluate(args: argparse.Namespace, weights: DepthWeights) -> None:
    model = NetworkDepth(weights, pick_device("cpu"))
    sources = read_sources(args.evaluate)
    reports = {str(source.path): evaluate(model, source, args.root) for source in sources}
    print(json.dumps(reports, indent=2))
    if args.panel is not None:
        plot_panel(
            args.panel, [row for s in sources for row in evaluated_rows(model, s, args.root)]
        )
