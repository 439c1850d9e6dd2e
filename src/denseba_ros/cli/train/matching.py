"""``denseba train matching``: train the weights of matches and compare with uniform samples."""

from __future__ import annotations

import argparse
from pathlib import Path

from denseba_ros.cli.exit_status import DONE
from denseba_ros.cli.options.kinds import add_counts
from denseba_ros.cli.options.settings import add_settings, settings_from
from denseba_ros.cli.train.options import add_weight_options
from denseba_ros.errors import ConfigurationError
from denseba_ros.matching.weight_file import load_weights, save_weights
from denseba_ros.matching.weight_network import WeightNetwork
from denseba_ros.training.matching.match_evaluation import evaluate_weights
from denseba_ros.training.matching.match_pairs import FeatureSequence, read_features
from denseba_ros.training.matching.match_table import score_table
from denseba_ros.training.matching.match_training import MatchTraining, train_weights


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba train matching``."""
    parser.add_argument(
        "sequences", type=Path, nargs="+", metavar="SEQUENCE", help="recordings with true poses"
    )
    add_weight_options(parser, "compare these, do not train")
    add_counts(parser, features=(1000, "features in each image"))
    add_settings(
        parser,
        MatchTraining,
        steps="steps of the training",
        pairs="pairs of images that are trained on",
        seed="seed of the training",
    )
    _add_comparison_options(parser.add_argument_group("comparison"))


def _add_comparison_options(comparison: argparse._ArgumentGroup) -> None:
    comparison.add_argument(
        "--held-out",
        type=float,
        nargs=2,
        default=(0.5, 1.0),
        metavar=("BEGIN", "END"),
        help="compare on this part of each sequence (shares of its frames), train on the rest",
    )
    comparison.add_argument(
        "--unseen",
        type=Path,
        nargs="*",
        default=[],
        metavar="SEQUENCE",
        help="sequences that are not trained on, compared on in the same part",
    )
    comparison.add_argument(
        "--gaps",
        type=int,
        nargs="+",
        default=[10, 20, 40],
        metavar="N",
        help="frames between the images of a pair",
    )
    add_counts(
        comparison,
        samples=(32, "minimal samples of each pair"),
        most=(200, "at most so many pairs of each gap and sequence"),
        seeds=(3, "draws of the samples"),
    )


def run(args: argparse.Namespace) -> int:
    """Train and write, or load, and compare.

    Raises:
        ConfigurationError: on options that make no sense, or without the package of the features.
        SequenceError: on a sequence without ground truth or without matches.
    """
    begin, end = args.held_out
    if not 0.0 <= begin < end <= 1.0:
        raise ConfigurationError(f"--held-out {begin} {end}: not a part of a sequence")
    read = {path: read_features(path, args.features) for path in args.sequences}
    if args.weights is not None:
        network = load_weights(args.weights)
    else:
        network = _train(args, list(read.values()))
    if args.out is not None:
        save_weights(network, args.out)
    read |= {path: read_features(path, args.features) for path in args.unseen}
    for path, one in read.items():
        part = one.part(begin, end)
        scores = evaluate_weights(part, network, args.gaps, args.samples, args.most, args.seeds)
        print(score_table(path.name, scores, args.samples))
    return DONE


def _train(args: argparse.Namespace, sources: list[FeatureSequence]) -> WeightNetwork:
    """Weights from what is not held out."""
    begin, end = args.held_out
    rest = [one.part(*ends) for one in sources for ends in ((0.0, begin), (end, 1.0))]
    return train_weights(
        [part for part in rest if len(part) > 1], settings_from(args, MatchTraining)
    )
