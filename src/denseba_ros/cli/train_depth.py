"""``denseba train depth``: train the depth network, and evaluate one on frames it has not seen."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from denseba_ros.cli.arguments import check_curve
from denseba_ros.device import pick_device
from denseba_ros.errors import ConfigurationError
from denseba_ros.frontend.depth.depth_network_file import DepthWeights, load_depth, save_depth
from denseba_ros.frontend.depth.depth_network_model import NetworkDepth
from denseba_ros.training.common.curve_plot import plot_curve
from denseba_ros.training.common.pretrained import encoder_weights
from denseba_ros.training.depth.depth_evaluation import evaluate, evaluated_rows
from denseba_ros.training.depth.depth_loading import Loading, load_source
from denseba_ros.training.depth.depth_losses import SUPERVISIONS
from denseba_ros.training.depth.depth_objective import Objective
from denseba_ros.training.depth.depth_plots import plot_panel
from denseba_ros.training.depth.depth_sources import read_sources
from denseba_ros.training.depth.depth_training import DepthTrainer, DepthTraining
from denseba_ros.training.depth.stereo_hints import HintCache


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba train depth``."""
    parser.add_argument("--root", type=Path, default=Path(), help="folder of all sources")
    parser.add_argument("--data", type=Path, metavar="YAML", help="sources to train on")
    parser.add_argument("--evaluate", type=Path, metavar="YAML", help="sources to evaluate on")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="evaluate these, do not train")
    parser.add_argument("--out", type=Path, metavar="FILE", help="weights as safetensors")
    parser.add_argument("--panel", type=Path, metavar="PNG", help="picture of predictions")
    parser.add_argument("--curve", type=Path, metavar="PNG", help="picture of the log")
    train = parser.add_argument_group("training")
    train.add_argument("--checkpoint", type=Path, help="goes on from it where it exists")
    train.add_argument("--log", type=Path, help="JSON lines, appended")
    train.add_argument("--hints", type=Path, default=Path("hints"), help="cache of depth hints")
    train.add_argument("--hint-draws", type=int, default=12, help="settings of the stereo matcher")
    train.add_argument("--encoder", type=Path, help="weights of EfficientNet-Lite0")
    train.add_argument("--begin", type=Path, help="weights of an earlier training to go on from")
    train.add_argument("--pixels", type=int, default=32_768, help="of the network's input, about")
    train.add_argument("--steps", type=int, default=DepthTraining.steps)
    train.add_argument("--batch", type=int, default=DepthTraining.batch)
    train.add_argument("--rate", type=float, default=DepthTraining.rate)
    train.add_argument("--supervision", choices=SUPERVISIONS, default="hints")
    train.add_argument("--photometric-scales", type=int, default=Objective.photometric_scales)
    train.add_argument("--photometric", type=float, default=Objective.photometric, help="weight")
    train.add_argument("--uncertainty", type=float, default=0.5, help="weight beside the hints")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")


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
    if args.curve is not None:
        plot_curve(args.curve, args.log)
    if args.evaluate is not None:
        _evaluate(args, weights)
    return 0


def _train(args: argparse.Namespace) -> DepthWeights:
    loading = Loading(args.root, args.pixels, HintCache(args.hints, args.hint_draws))
    sets = [load_source(source, loading) for source in read_sources(args.data)]
    objective = Objective(
        args.supervision,
        args.photometric_scales,
        args.photometric,
        uncertainty=args.uncertainty,
    )
    settings = DepthTraining(
        steps=args.steps, batch=args.batch, rate=args.rate, seed=args.seed, objective=objective
    )
    device = pick_device(args.device)
    if args.begin is not None:
        trainer = DepthTrainer(sets, settings, device=device, begin=load_depth(args.begin).network)
    else:
        trainer = DepthTrainer(sets, settings, encoder_weights(args.encoder), device)
    if args.checkpoint is not None and args.checkpoint.is_file():
        trainer.load(args.checkpoint)
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
