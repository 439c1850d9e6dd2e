"""Which loss keeps true closures, over how far the odometry understates its errors.

    OMP_NUM_THREADS=1 python benchmarks/pose_graph_losses.py

Two rounds of 250 keyframes with five closures, all true; six of them. Dynamic covariance scaling
(Agarwal et al., ICRA 2013) is the one that the package leaves out.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np

from denseba_ros.benchmark.drifted_rounds import drifted_rounds
from denseba_ros.pose_graph.optimisation import optimise
from denseba_ros.pose_graph.robust_loss import SQUARED_OUTLIER, Cauchy, Squared

_UNDERSTATED = (1.0, 2.0, 3.0, 5.0, 10.0)
_RUNS = 6


@dataclass(frozen=True)
class DynamicCovarianceScaling(Squared):
    """The square up to ``width``, then a weight that falls as 1 / q^2."""

    width: float = SQUARED_OUTLIER

    def cost(self, squared: np.ndarray) -> np.ndarray:
        beyond = self.width * (3 * squared - self.width) / (squared + self.width)
        return np.where(squared <= self.width, squared, beyond)

    def weight(self, squared: np.ndarray) -> np.ndarray:
        return np.minimum(1.0, 2 * self.width / (self.width + squared)) ** 2


def _cell(understated: float, loss: Squared) -> str:
    """Closures within 3 sigma afterwards, largest number of iterations, error of the positions."""
    kept, iterations, errors = [], [], []
    for run in range(_RUNS):
        made = drifted_rounds(500 - run, 2, every=50, understated=understated)
        result = optimise(made.graph, [0], loss)
        closures = np.array([edge.is_closure for edge in made.graph.edges])
        kept.append(np.mean(result.squared_errors[closures] < SQUARED_OUTLIER))
        iterations.append(result.iterations)
        errors.append(made.position_error(result.poses))
    return f"{np.mean(kept):.0%}, {max(iterations)}, {np.median(errors):.2f}"


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    losses = (Squared(), Cauchy(), DynamicCovarianceScaling())
    names = [type(loss).__name__ for loss in losses]
    print("| errors over stated |", " | ".join(names), "|")
    print("|---|---|---|---|")
    for understated in _UNDERSTATED:
        cells = [_cell(understated, loss) for loss in losses]
        print(f"| {understated:g} |", " | ".join(cells), "|")


if __name__ == "__main__":
    main()
