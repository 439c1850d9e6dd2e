"""``denseba train matching``: train the weights of matches and compare with uniform samples."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from denseba_ros.benchmark.backend.backend_table import aligned
from denseba_ros.errors import ConfigurationError
from denseba_ros.matching.weight_file import load_weights, save_weights
from denseba_ros.training.matching.match_evaluation import DEGREES, PairScore, evaluate_weights
from denseba_ros.training.matching.match_pairs import read_features
from denseba_ros.training.matching.match_training import MatchTraining, train_weights


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba train matching``."""
    parser.add_argument(
        "sequences", type=Path, nargs="+", metavar="SEQUENCE", help="recordings with true poses"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="weights as safetensors")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="compare these, do not train")
    parser.add_argument(
        "--held-out",
        type=float,
        nargs=2,
        default=(0.5, 1.0),
        metavar=("BEGIN", "END"),
        help="compared on this part of each sequence (shares of its frames), trained on the rest",
    )
    parser.add_argument(
        "--unseen",
        type=Path,
        nargs="*",
        default=[],
        metavar="SEQUENCE",
        help="sequences that are not trained on, compared on in the same part",
    )
    parser.add_argument("--features", type=int, default=1000, help="in each image")
    parser.add_argument("--steps", type=int, default=MatchTraining.steps, help="of the training")
    parser.add_argument(
        "--pairs", type=int, default=MatchTraining.pairs, help="of images, trained on"
    )
    parser.add_argument("--gaps", type=int, nargs="+", default=[10, 20, 40], help="frames apart")
    parser.add_argument("--samples", type=int, default=32, help="minimal samples a pair, compared")
    parser.add_argument(
        "--most", type=int, default=200, help="pairs a gap and sequence, compared, at most"
    )
    parser.add_argument("--seeds", type=int, default=3, help="draws of the samples, compared")
    parser.add_argument("--seed", type=int, default=MatchTraining.seed, help="of the training")


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
        rest = [one.part(*ends) for one in read.values() for ends in ((0.0, begin), (end, 1.0))]
        settings = MatchTraining(steps=args.steps, pairs=args.pairs, seed=args.seed)
        network = train_weights([part for part in rest if len(part) > 1], settings)
    if args.out is not None:
        save_weights(network, args.out)
    read |= {path: read_features(path, args.features) for path in args.unseen}
    for path, one in read.items():
        part = one.part(begin, end)
        scores = evaluate_weights(part, network, args.gaps, args.samples, args.most, args.seeds)
        print(score_table(path.name, scores, args.samples))
    return 0


def score_table(name: str, scores: Sequence[PairScore], samples: int) -> str:
    """One row a gap: area under the curve of the pose error, in percent."""
    limits = [f"{kind} AUC@{limit:.0f}" for kind in ("uniform", "learned") for limit in DEGREES]
    rows = [
        (
            f"{score.gap}",
            f"{score.pairs}",
            *(f"{value:.1f}" for value in (*score.uniform, *score.learned)),
        )
        for score in scores
    ]
    title = f"{name}: {samples} samples a pair, pose error up to 5 and 10 degrees"
    return "\n".join([title, *aligned([("gap", "pairs", *limits), *rows])])
