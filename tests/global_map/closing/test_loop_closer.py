"""Each rung of the ladder refuses what it is there for, and nothing true."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pytest

from denseba_ros.geometry import sim3
from denseba_ros.global_map.closing.loop_closer import LoopCloser, _agree, joined
from denseba_ros.global_map.closing.place_verification import Verification
from denseba_ros.pose_graph.graph import Doubles, Edge, PoseGraph
from denseba_ros.pose_graph.odometry_path import OdometryPaths

COUNT = 40
STEP = np.repeat([0.02, 0.005, 0.005], [3, 3, 1])
COVARIANCE = np.diag(STEP**2)
CLOSURE = np.diag(np.repeat([0.01, 0.003, 0.01], [3, 3, 1]) ** 2)
UNITS: Any = defaultdict(float)


def truth() -> list[Doubles]:
    """Two rounds of a circle, so that keyframe k + 20 is where keyframe k was."""
    turn = 2.0 * np.pi / 20.0
    step = sim3.exp(np.array([0.3, 0.0, 0.0, 0.0, turn, 0.0, 0.0]))
    return [np.linalg.matrix_power(step, k) for k in range(COUNT)]


TRUTH = truth()


def relative(first: int, second: int) -> Doubles:
    return sim3.inverse(TRUTH[first]) @ TRUTH[second]


def drifted() -> PoseGraph:
    """Odometry with a deviation as it is stated."""
    random = np.random.default_rng(3)
    graph = PoseGraph({0: TRUTH[0]})
    for k in range(COUNT - 1):
        S = sim3.exp(random.normal(size=7) * STEP) @ relative(k, k + 1)
        graph.edges.append(Edge(k, k + 1, S, COVARIANCE))
        graph.poses[k + 1] = graph.poses[k] @ S
    return graph


class Verifier:
    """Measures the true pose, displaced by ``error`` (7,), of keyframe numbers."""

    def __init__(self, error: Doubles | None = None) -> None:
        self.error = np.zeros(7) if error is None else error

    def verify(self, old: int, new: int, displacement: float) -> Verification:
        S = sim3.exp(self.error) @ relative(old, new)
        return Verification("", S_old_new=S, covariance=CLOSURE)

    def aligned(self, old: int, new: int, T_new_old: Any, displacement: float) -> Verification:
        """What the alignments begin with, in the unit of the old keyframe."""
        return Verification("", S_old_new=T_new_old.numpy(), covariance=CLOSURE)


def closer(error: Doubles | None = None) -> LoopCloser:
    verifier: Any = Verifier(error)
    place: Any = lambda number: number  # noqa: E731
    return LoopCloser(verifier, place)


def found(ladder: LoopCloser, graph: PoseGraph, *pairs: tuple[int, int]) -> list[tuple[int, int]]:
    edges: list[Edge] = []
    for old, new in pairs:
        edges += ladder.verified(new, [old], graph, UNITS, 0.005)
    return [(e.first, e.second) for e in edges]


def test_two_pairs_close_the_loop_and_the_drift_is_gone() -> None:
    graph, ladder = drifted(), closer()
    edges = ladder.verified(38, [18], graph, UNITS, 0.005)
    assert edges == []
    edges = ladder.verified(39, [19], graph, UNITS, 0.005)
    closed = ladder.close(graph, edges, fixed=[19])
    assert closed is not None

    def error(poses: dict[int, Doubles]) -> float:
        expected = sim3.inverse(poses[19]) @ poses[39]
        return float(np.linalg.norm(sim3.log(relative(19, 39) @ sim3.inverse(expected))))

    assert error(closed.result.poses) < 0.1 * error(graph.poses)
    assert ladder.counts["accepted"] == 2


def test_one_pair_waits_and_one_of_long_ago_confirms_nothing() -> None:
    assert found(closer(), drifted(), (18, 38)) == []
    assert found(closer(), drifted(), (10, 30), (18, 38)) == []


def test_two_places_for_one_keyframe_do_not_confirm_each_other() -> None:
    assert closer().verified(38, [18, 17], drifted(), UNITS, 0.005) == []


def test_pairs_that_contradict_each_other_do_not_count() -> None:
    graph, ladder = drifted(), closer()
    assert found(ladder, graph, (18, 38)) == []
    other: Any = Verifier(np.array([0.2, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]))
    ladder._verifier = other
    assert found(ladder, graph, (19, 39)) == []
    assert ladder.counts["verified"] == 2


@pytest.mark.parametrize(
    "error",
    [
        np.array([1.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
        np.array([0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0]),
        np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5]),
    ],
    ids=["elsewhere", "turned", "of another size"],
)
def test_a_twin_of_the_place_is_refused_where_odometry_excludes_it(error: Doubles) -> None:
    ladder = closer(error)
    assert found(ladder, drifted(), (18, 38), (19, 39)) == []
    assert ladder.counts["not where the graph can be"] == 2


def test_a_closure_against_all_others_is_taken_back() -> None:
    graph = drifted()
    graph.edges += [Edge(k, k + 20, relative(k, k + 20), CLOSURE, True) for k in (5, 10, 15, 17)]
    wrong = sim3.exp(np.array([0.3, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])) @ relative(16, 36)
    ladder = closer()
    assert ladder.close(graph, [Edge(16, 36, wrong, CLOSURE, True)], fixed=[16]) is None
    assert ladder.counts["taken back: beyond 3 sigma of all other links"] == 1
    assert ladder.close(graph, [Edge(16, 36, relative(16, 36), CLOSURE, True)], [16]) is not None


def test_a_waiting_pair_is_rescaled_with_its_keyframe() -> None:
    """The newer keyframe of the first pair grows by 1.2 before the second pair is measured."""
    graph, ladder = drifted(), closer()
    assert ladder.verified(38, [18], graph, UNITS, 0.005) == []
    units: Any = defaultdict(float, {38: float(np.log(1.2))})
    ladder.verified(39, [], graph, units, 0.005)
    (waiting,) = ladder._pending
    assert np.isclose(sim3.scale(waiting.edge(units).S_first_second), 1.0 / 1.2)


class Twins(Verifier):
    """Keyframe 12 shows what keyframe 7 does, and so on."""

    def verify(self, old: int, new: int, displacement: float) -> Verification:
        return super().verify(old - 5 if old >= 12 else old, new, displacement)


def two_sessions() -> PoseGraph:
    """The second round is a session of its own, which begins with keyframe 20."""
    graph = drifted()
    graph.edges = [edge for edge in graph.edges if edge.first != 19]
    return graph


def test_a_session_is_not_put_into_one_of_two_places_that_look_the_same() -> None:
    graph, ladder = two_sessions(), closer()
    twins: Any = Twins()
    ladder._verifier = twins
    assert ladder.verified(27, [7], graph, UNITS, 0.005, first=20) == []
    assert ladder.verified(28, [8, 13], graph, UNITS, 0.005, first=20) == []
    assert ladder.counts["more than one place looks the same"] == 2
    # What was found before does not count either: it was as likely to be wrong.
    assert ladder.verified(29, [9], graph, UNITS, 0.005, first=20) == []
    joining = ladder.verified(30, [10], graph, UNITS, 0.005, first=20)
    assert [(e.first, e.second) for e in joining] == [(9, 29), (10, 30)]


def test_two_keyframes_of_one_place_put_a_session_there() -> None:
    graph, ladder = two_sessions(), closer()
    assert ladder.verified(27, [7, 8], graph, UNITS, 0.005, first=20) == []
    joining = ladder.verified(28, [8, 9], graph, UNITS, 0.005, first=20)
    assert {(e.first, e.second) for e in joining} == {(7, 27), (8, 27), (8, 28), (9, 28)}
    assert ladder.counts["more than one place looks the same"] == 0


def test_a_session_is_put_where_its_first_place_says() -> None:
    own_frame = sim3.exp(np.array([3.0, -1.0, 0.5, 0.2, -0.4, 0.1, 0.3]))
    poses = {k: S if k < 20 else own_frame @ S for k, S in enumerate(TRUTH)}
    closures = [Edge(4, 27, relative(4, 27), CLOSURE, True)]
    for number, S in joined(poses, closures, first=20).items():
        np.testing.assert_allclose(S, TRUTH[number], atol=1e-9)
    np.testing.assert_array_equal(joined(poses, closures, first=None)[24], poses[24])


def test_errors_of_the_motion_count_in_the_unit_of_the_old_place() -> None:
    """A unit of the new keyframes is five of the old ones, and so is 2.5 sigma of their motion."""
    grown = np.diag([5.0, 5.0, 5.0, 1.0])
    poses = {0: np.eye(4), 1: grown, 2: grown}
    graph = PoseGraph(poses, [Edge(1, 2, np.eye(4), COVARIANCE)])
    other, one = (Edge(0, k, grown.copy(), CLOSURE, True) for k in (1, 2))
    one.S_first_second[0, 3] += 5.0 * 2.5 * STEP[0]
    assert _agree(one, other, OdometryPaths(graph))
    one.S_first_second[0, 3] += 5.0 * 5.0 * STEP[0]
    assert not _agree(one, other, OdometryPaths(graph))


def test_a_closure_is_measured_again_from_where_it_says() -> None:
    """A unit of the newer keyframe is 1.5 of the older one's."""
    S = relative(3, 24)
    S[:3, :3] *= 1.5
    begun, _ = closer().measured_again(Edge(3, 24, S, CLOSURE, is_closure=True), 0.0)
    assert begun is not None
    np.testing.assert_allclose(begun.S_first_second, relative(24, 3), atol=1e-12)


def test_two_closures_of_a_keyframe_are_enough() -> None:
    ladder, graph = closer(), drifted()
    ladder.verified(30, [9, 10, 11, 12], graph, UNITS, 0.0)
    assert ladder.counts["places tried"] == ladder.counts["verified"] == 2
