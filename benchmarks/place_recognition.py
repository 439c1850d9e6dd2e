"""How well places are found again: our descriptors, the depth encoder's, and bags of words.

python benchmarks/place_recognition.py SEQUENCE[:N] [SEQUENCE[:N] ...] --vocabulary SEQUENCE
    [--gap S] [--radius M] [--degrees D] [--plot PNG]
prints a table for each sequence, and one of scores between sequences. Each image is looked for
among all that are more than --gap seconds older. It comes back where one of these was taken within
--radius and --degrees of it by ground truth. The best candidate is right when it is such a one, or
shares a view: enough matches of features lie on the epipolar lines of the true poses.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from places.place_methods import Method, make_methods
from places.place_scores import PlaceScores, Revisits, score_places, stranger_scores
from places.place_sequence import PlaceSequence, read_place_sequence

from denseba_ros.place_recognition.place_describer import WEIGHTS
from denseba_ros.place_recognition.vlad_file import load_vlad
from denseba_ros.resources import share_file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sequences", nargs="+", help="folder, or folder:N for every N-th image")
    parser.add_argument("--vocabulary", type=Path, required=True, help="trains words and axes")
    parser.add_argument("--gap", type=float, default=25.0, help="seconds")
    parser.add_argument("--radius", type=float, default=0.35, help="metres")
    parser.add_argument("--degrees", type=float, default=30.0)
    parser.add_argument("--plot", type=Path, help="curves of the first sequence")
    args = parser.parse_args()
    methods = make_methods(read_place_sequence(args.vocabulary, 1))
    threshold = load_vlad(share_file(WEIGHTS)).threshold
    revisits = Revisits(args.gap, args.radius, args.degrees)
    sequences = [read_part(text) for text in args.sequences]
    for sequence in sequences:
        scores = [score_places(sequence, method, revisits) for method in methods]
        print_table(sequence, methods, scores, threshold)
        if args.plot is not None and sequence is sequences[0]:
            plot_curves(args.plot, methods, scores, sequence.name)
    if len(sequences) > 1:
        print_strangers(sequences, methods, threshold)


def read_part(text: str) -> PlaceSequence:
    """``folder:N`` is every N-th image with a true pose."""
    folder, _, every = text.rpartition(":")
    return (
        read_place_sequence(Path(folder), int(every))
        if folder
        else read_place_sequence(Path(every), 1)
    )


def print_table(
    sequence: PlaceSequence, methods: list[Method], scores: list[PlaceScores], threshold: float
) -> None:
    """Only our own scores have a threshold; the others get their best."""
    looked_for, visited = len(scores[0].visited), int(scores[0].visited.sum())
    print(f"\n{sequence.name}: {looked_for} images looked for, {visited} of them revisits\n")
    print(
        "| method | recall@1 | recall@5 | best candidate shares the view | recall without a wrong "
        "one | from score | wrong above the threshold, recall there |"
    )
    print("|---|---|---|---|---|---|---|")
    for method, one in zip(methods, scores, strict=True):
        least = one.least_without_error()
        ratios = [one.recall(1), one.recall(5), one.found_above(0.0), one.found_above(least)]
        cells = [share(ratio) for ratio in ratios]
        own = method is methods[0]
        at = f"{one.wrong_above(threshold)}, {share(one.found_above(threshold))}" if own else ""
        print(f"| {method.name} | {' | '.join(cells)} | {least:.2f} | {at} |")


def share(ratio: float) -> str:
    """Of the revisits; NaN where there are none."""
    return "-" if np.isnan(ratio) else f"{ratio:.2f}"


def print_strangers(
    sequences: list[PlaceSequence], methods: list[Method], threshold: float
) -> None:
    print("\nEach sequence looked for in all others: highest relative score, all wrong\n")
    print(f"| method | {' | '.join(s.name for s in sequences)} | above {threshold:.2f} |")
    print("|---" * (len(sequences) + 2) + "|")
    for method in methods:
        best = [
            stranger_scores(one, [o for o in sequences if o is not one], method)
            for one in sequences
        ]
        cells = " | ".join(f"{b.max():.2f}" for b in best)
        above = int((np.concatenate(best) >= threshold).sum()) if method is methods[0] else ""
        print(f"| {method.name} | {cells} | {above} |")


def plot_curves(path: Path, methods: list[Method], scores: list[PlaceScores], name: str) -> None:
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    for method, one in zip(methods, scores, strict=True):
        axes.plot(*one.curve(), label=method.name)
    axes.set(xlabel="recall of revisits", ylabel="precision of best candidates", title=name)
    axes.set(xlim=(0.0, 1.02), ylim=(0.0, 1.02))
    axes.legend(loc="lower left")
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    main()
