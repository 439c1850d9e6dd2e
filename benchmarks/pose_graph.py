"""Time of a pose graph after rounds with drift, beside GTSAM's where that is installed.

    OMP_NUM_THREADS=1 python benchmarks/pose_graph.py

Seconds of the processor, so that other work on the machine counts little; the fastest of three.
GTSAM's are those of the optimiser alone, without making the graph.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from denseba_ros.benchmark.drifted_rounds import drifted_rounds
from denseba_ros.geometry import sim3
from denseba_ros.pose_graph.graph import PoseGraph
from denseba_ros.pose_graph.optimisation import optimise
from denseba_ros.pose_graph.robust_loss import Cauchy, Squared

_REPEAT = 3
# Keyframes, rounds, edges of each to its next, every how many-th has a closure.
_GRAPHS = ((1000, 2, 1, 10), (1000, 3, 3, 10), (3000, 4, 1, 10), (3000, 4, 3, 5))
# GTSAM's tangent is (rotation, translation, log of the scale), its error in the second's axes.
_ORDER = [3, 4, 5, 0, 1, 2, 6]
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Yardstick:
    """What GTSAM made of a graph: poses by number, cost (sum of squares) before and after."""

    poses: dict[int, np.ndarray]
    cost_before: float
    cost_after: float
    seconds: float


def solved_by_gtsam(graph: PoseGraph, fixed: int) -> Yardstick:
    """The same least squares by ``BetweenFactorSimilarity3``, ``fixed`` held by a prior."""
    import gtsam

    problem, start = gtsam.NonlinearFactorGraph(), gtsam.Values()
    for number, S in graph.poses.items():
        start.insert(number, _to_gtsam(S))
    for edge in graph.edges:
        to_second = np.linalg.inv(sim3.adjoint(edge.S_first_second))
        covariance = (to_second @ edge.covariance @ to_second.T)[np.ix_(_ORDER, _ORDER)]
        noise = gtsam.noiseModel.Gaussian.Covariance(0.5 * (covariance + covariance.T))
        measured = _to_gtsam(edge.S_first_second)
        problem.add(gtsam.BetweenFactorSimilarity3(edge.first, edge.second, measured, noise))
    tight = gtsam.noiseModel.Isotropic.Sigma(7, 1e-6)
    problem.add(gtsam.PriorFactorSimilarity3(fixed, _to_gtsam(graph.poses[fixed]), tight))
    parameters = gtsam.LevenbergMarquardtParams()
    parameters.setRelativeErrorTol(1e-9)
    optimiser = gtsam.LevenbergMarquardtOptimizer(problem, start, parameters)
    result, seconds = _timed(optimiser.optimize)
    poses = {number: _from_gtsam(result.atSimilarity3(number)) for number in graph.poses}
    return Yardstick(poses, 2.0 * problem.error(start), 2.0 * problem.error(result), seconds)


def _to_gtsam(S: np.ndarray) -> object:
    import gtsam

    scale = float(sim3.scale(S))
    return gtsam.Similarity3(gtsam.Rot3(S[:3, :3] / scale), S[:3, 3] / scale, scale)


def _from_gtsam(similarity: object) -> np.ndarray:
    """GTSAM's matrix is [R, t; 0, 1/s]."""
    matrix: np.ndarray = similarity.matrix()  # type: ignore[attr-defined]
    return matrix / matrix[3, 3]


def _timed(call: Callable[[], _Result]) -> tuple[_Result, float]:
    before = time.process_time()
    result = call()
    return result, time.process_time() - before


def _fastest(graph: PoseGraph, loss: Squared) -> str:
    runs = [_timed(lambda: optimise(graph, [0], loss)) for _ in range(_REPEAT)]
    return f"{min(seconds for _, seconds in runs):.2f} ({runs[0][0].iterations})"


def _row(keyframes: int, rounds: int, neighbours: int, every: int) -> str:
    made = drifted_rounds(keyframes, rounds, neighbours, every)
    graph = made.graph
    result = optimise(graph, [0])
    closures = sum(edge.is_closure for edge in graph.edges)
    cells = [keyframes, rounds, len(graph.edges), closures]
    cells += [_fastest(graph, Squared()), _fastest(graph, Cauchy())]
    if importlib.util.find_spec("gtsam"):
        solved = [solved_by_gtsam(graph, 0) for _ in range(_REPEAT)]
        farthest = max(np.abs(solved[0].poses[n] - S).max() for n, S in result.poses.items())
        cells += [f"{min(s.seconds for s in solved):.2f}"]
        cells += [f"{result.cost_after / solved[0].cost_after - 1:.0e}", f"{farthest:.0e}"]
    else:
        cells += ["-", "-", "-"]
    before = f"{made.position_error(graph.poses):.2f}"
    cells += [before, f"{made.position_error(result.poses):.2f}"]
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    print("| keyframes | rounds | edges | closures | s (iterations) | Cauchy, s ", end="")
    print("| GTSAM, s | cost over its, less 1 | largest difference | error before | after |")
    print("|---|" + "---|" * 10)
    for graph in _GRAPHS:
        print(_row(*graph))


if __name__ == "__main__":
    main()
