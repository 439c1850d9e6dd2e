"""What a keyframe and a closure cost in a map that has grown, step by step.

    OMP_NUM_THREADS=1 python benchmarks/maps/closing_cost.py

Milliseconds of the processor, the fastest of three. Only "graph of a search" and "correction" are
on the tracking thread; the rest is beside it. Images are not aligned here (some 0.1 s a pair).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from denseba_ros.benchmark.drifted_rounds import drifted_rounds
from denseba_ros.global_map.closing.proximity import nearby
from denseba_ros.global_map.keyframe_graph import KeyframeGraph
from denseba_ros.pose_graph.graph import PoseGraph
from denseba_ros.pose_graph.marginals import Marginals
from denseba_ros.pose_graph.odometry_path import OdometryPaths
from denseba_ros.pose_graph.optimisation import optimise

_REPEAT = 3
_EVERY = 10
_SIZES = (1000, 3000, 10000)


def _milliseconds(call: Callable[[], object]) -> str:
    times = []
    for _ in range(_REPEAT):
        before = time.process_time()
        call()
        times.append(time.process_time() - before)
    return f"{1000 * min(times):.1f}"


def _row(keyframes: int) -> str:
    given = drifted_rounds(keyframes, 4, every=_EVERY).graph
    first = optimise(given, [0])
    graph = PoseGraph(first.poses, given.edges)
    *known, last = (edge for edge in graph.edges if edge.is_closure)
    others = [edge for edge in graph.edges if not edge.is_closure] + known
    before, after = PoseGraph(graph.poses, others), PoseGraph(graph.poses, [*others, last])
    kept = KeyframeGraph(0.03, graph)
    marginals = Marginals(after, [0])
    paths = OdometryPaths(graph)
    steps = (
        kept.whole,
        lambda: nearby(graph.poses, keyframes - 1, 3.0, (), 2),
        lambda: Marginals(before).relative(last.first, last.second),
        lambda: OdometryPaths(graph),
        lambda: paths.relative(keyframes - 6, keyframes - 1),
        lambda: optimise(after, [0]),
        lambda: optimise(given, [0]),
        lambda: marginals.squared_innovation(len(after.edges) - 1),
        lambda: kept.correct(dict(first.poses), graph, keyframes - 1),
    )
    return " | ".join(["", str(keyframes), *map(_milliseconds, steps), ""]).strip()


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    names = ["keyframes", "graph of a search", "keyframes near by", "gate", "paths", "one path"]
    names += ["one closure more", "all closures at once", "taken back?", "correction"]
    print("| " + " | ".join(names) + " |\n" + "|---" * len(names) + "|")
    np.seterr(all="raise", under="ignore")
    for keyframes in _SIZES:
        print(_row(keyframes), flush=True)


if __name__ == "__main__":
    main()
