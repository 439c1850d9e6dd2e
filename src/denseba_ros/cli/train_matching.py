"""``denseba train matching``: train the weights of matches and compare with uniform samples."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from denseba_ros.benchmark.backend_table import aligned
from denseba_ros.errors import ConfigurationError
from denseba_ros.matching.weight_file import load_weights, save_weights
from denseba_ros.training.match_evaluation import DEGREES, PairScore, evaluate_weights
from denseba_ros.training.match_pairs import FeatureSequence
from denseba_ros.training.matching import MatchTraining, train_weights


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba train matching``."""
    parser.add_argument(
        "--data", type=Path, nargs="*", default=[], metavar="SEQUENCE", help="trained on"
    )
    parser.add_argument(
        "--test", type=Path, nargs="*", default=[], metavar="SEQUENCE", help="compared on"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="weights as safetensors")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="compare these, do not train")
    parser.add_argument(
        "--split",
        type=float,
        default=0.65,
        help="trained on the frames before this share of each sequence, compared on those after",
    )
    parser.add_argument("--stride", type=int, default=1, help="use every so many frames")
    parser.add_argument("--features", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=MatchTraining.steps)
    parser.add_argument("--pairs", type=int, default=MatchTraining.pairs)
    parser.add_argument("--gaps", type=int, nargs="+", default=[10, 20, 40], help="frames apart")
    parser.add_argument("--samples", type=int, default=32, help="minimal samples a pair, in test")
    parser.add_argument("--most", type=int, default=100, help="pairs a gap and sequence, in test")
    parser.add_argument("--seed", type=int, default=0)


def run(args: argparse.Namespace) -> int:
    """Train, write and compare, whatever of it was asked for.

    Raises:
        ConfigurationError: on contradicting options, or without the package of the features.
        SequenceError: on a sequence without ground truth or without matches.
    """
    if bool(args.data) == bool(args.weights):
        raise ConfigurationError("give either --data to train on or --weights to compare")
    if any(gap % args.stride for gap in args.gaps):
        raise ConfigurationError(f"--gaps {args.gaps} must be multiples of --stride {args.stride}")
    if args.weights is not None:
        network = load_weights(args.weights)
    else:
        sources = [
            FeatureSequence(path, args.features, 0.0, args.split, args.stride) for path in args.data
        ]
        settings = MatchTraining(steps=args.steps, pairs=args.pairs, seed=args.seed)
        network = train_weights(sources, settings)
    if args.out is not None:
        save_weights(network, args.out)
    gaps = [gap // args.stride for gap in args.gaps]
    for path in args.test:
        source = FeatureSequence(path, args.features, args.split, 1.0, args.stride)
        scores = evaluate_weights(source, network, gaps, args.samples, args.most)
        print(score_table(path.name, scores, args.stride, args.samples))
    return 0


def score_table(name: str, scores: Sequence[PairScore], stride: int, samples: int) -> str:
    """One row a gap: area under the curve of the pose error, in percent."""
    limits = [f"{kind} AUC@{limit:.0f}" for kind in ("uniform", "learned") for limit in DEGREES]
    rows = [
        (
            f"{score.gap * stride}",
            f"{score.pairs}",
            *(f"{value:.1f}" for value in (*score.uniform, *score.learned)),
        )
        for score in scores
    ]
    title = f"{name}: {samples} samples a pair, pose error up to 5 and 10 degrees"
    return "\n".join([title, *aligned([("gap", "pairs", *limits), *rows])])
