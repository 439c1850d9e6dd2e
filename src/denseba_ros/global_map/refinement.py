"""Adjustment of a whole map after its run: no image waits for it.

All pairs of keyframes that should see the same by where they lie are aligned with each other, image
by image, with their final depths; then all poses are adjusted together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch

from denseba_ros.geometry import sim3
from denseba_ros.global_map.closing.place_verification import CONTRADICTION
from denseba_ros.global_map.closing.proximity import nearby
from denseba_ros.global_map.global_map import GlobalMap
from denseba_ros.pose_graph.graph import Doubles, Edge, PoseGraph
from denseba_ros.pose_graph.marginals import Marginals
from denseba_ros.pose_graph.optimisation import optimise
from denseba_ros.pose_graph.robust_loss import SQUARED_OUTLIER, Cauchy

# A keyframe is aligned with so many older ones at most.
_PAIRS = 5
# Keyframes before it whose depths it shares the errors of: they would say the same once more.
_ADJUSTED_TOGETHER = 15
# Rounds of alignment and adjustment: poses of the second start from those of the first.
_ROUNDS = 2


Pair = tuple[int, int]
Progress = Callable[[list[Pair]], Iterable[Pair]]


@dataclass(frozen=True)
class Refined:
    """``tried`` pairs of keyframes, of which ``linked`` are links now; ``taken_back`` closures do
    not hold any more."""

    tried: int
    linked: int
    taken_back: int


def refine_map(global_map: GlobalMap, progress: Progress = iter) -> Refined:
    """Adjust all keyframes of a map after ``GlobalMap.finish``; some 0.1 s for each pair, which
    ``progress`` passes on in each of two rounds.

    Raises:
        MapFileError: when a keyframe cannot be read from the map's file, or that be written.
    """
    tried = linked = taken_back = 0
    for _ in range(_ROUNDS):
        graph = global_map.graph.whole()
        pairs = _pairs(global_map, graph)
        edges, contradicted = _aligned(global_map, graph, progress(pairs))
        refined, wrong = _adjusted(graph, edges, contradicted, global_map.fixed())
        if refined is None:
            break
        kept = [edge for edge in edges if _ends(edge) not in wrong]
        known = {_ends(edge): edge for edge in graph.edges if edge.is_closure}
        back = [edge for ends, edge in known.items() if ends in wrong]
        global_map.refined(kept, back, refined)
        tried, linked, taken_back = len(pairs), len(kept), taken_back + len(back)
    return Refined(tried, linked, taken_back)


def _pairs(global_map: GlobalMap, graph: PoseGraph) -> list[Pair]:
    """Older and newer keyframe of all that were closed, and of those that lie close."""
    pairs = {_ends(edge): None for edge in graph.edges if edge.is_closure}
    first, is_joined = global_map.graph.first, global_map.graph.is_joined
    for number in graph.poses:
        keyframe = global_map.store.get(number)
        if keyframe.features is None:
            continue
        apart = 0 if is_joined or number < first else first
        last = number - _ADJUSTED_TOGETHER
        earlier = {n: S for n, S in graph.poses.items() if apart <= n < last}
        poses = earlier | {number: graph.poses[number]}
        depth = global_map.search.depth(number)
        pairs |= {(old, number): None for old in nearby(poses, number, depth, (), _PAIRS)}
    # By their older keyframe, which is made ready once for all.
    return sorted(pairs)


@torch.no_grad()
def _aligned(
    global_map: GlobalMap, graph: PoseGraph, pairs: Iterable[Pair]
) -> tuple[list[Edge], set[Pair]]:
    """Edges that the images of pairs of keyframes give, and those that contradict themselves."""
    edges, contradicted = [], set()
    search, place = global_map.search, global_map.store.place
    for old, new in pairs:
        if any(global_map.store.get(number).features is None for number in (old, new)):
            continue
        T_new_old = sim3.rigid(sim3.inverse(graph.poses[new]) @ graph.poses[old])
        scale = float(sim3.scale(graph.poses[new]) / sim3.scale(graph.poses[old]))
        T_new_old[:3, 3] *= scale
        found = search.verifier.aligned(
            place(old), place(new), torch.from_numpy(T_new_old), global_map.displacement
        )
        if found.S_old_new is not None and found.covariance is not None:
            edges.append(Edge(old, new, found.S_old_new, found.covariance, is_closure=True))
        elif found.reason == CONTRADICTION:
            contradicted.add((old, new))
    return edges, contradicted


def _adjusted(
    graph: PoseGraph, edges: list[Edge], contradicted: set[Pair], fixed: list[int]
) -> tuple[dict[int, Doubles] | None, set[Pair]]:
    """Poses that fit all edges, and the closures that did not fit, which count no more; None where
    there is no solution."""
    measured = {_ends(edge) for edge in edges}
    wrong = contradicted & {_ends(edge) for edge in graph.edges if edge.is_closure}
    marginals = Marginals(graph)
    possible = [edge for edge in edges if _is_possible(edge, marginals)]
    wrong |= measured - {_ends(edge) for edge in possible}
    others = [e for e in graph.edges if not (e.is_closure and _ends(e) in measured | wrong)]
    together = PoseGraph(graph.poses, [*others, *possible])
    result = optimise(together, fixed, Cauchy())
    if not result.ok:
        return None, wrong
    marginals = Marginals(PoseGraph(result.poses, together.edges), fixed, Cauchy())
    outliers = {
        _ends(edge)
        for index, edge in enumerate(together.edges)
        if edge.is_closure and marginals.squared_innovation(index) > SQUARED_OUTLIER
    }
    kept = [e for e in together.edges if not (e.is_closure and _ends(e) in outliers)]
    result = optimise(PoseGraph(result.poses, kept), fixed)
    return (result.poses if result.ok else None), wrong | outliers


def _is_possible(edge: Edge, marginals: Marginals) -> bool:
    expected = marginals.relative(edge.first, edge.second)
    return expected.squared_error(edge.S_first_second, edge.covariance) <= SQUARED_OUTLIER


def _ends(edge: Edge) -> Pair:
    return edge.first, edge.second
