"""Are the loops that are closed true ones, and what do they give to the path?

    python benchmarks/maps/false_closures.py building:twins [SEQUENCE ...] [--start N] [--out DIR]

In lockstep, with the default configuration and a map in memory. Each closure is judged when it is
accepted, by the true relative pose of both keyframes. One row for each sequence.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from denseba_ros.config import Config
from denseba_ros.evaluation.trajectory.association import default_tolerance_ns
from denseba_ros.evaluation.trajectory.groundtruth import read_groundtruth
from denseba_ros.evaluation.trajectory.trajectory_metrics import absolute_errors, match
from denseba_ros.evaluation.trajectory.true_pose import true_pose
from denseba_ros.geometry import sim3
from denseba_ros.global_map.closing.closure import Closure
from denseba_ros.global_map.global_map import GlobalMap
from denseba_ros.global_map.map_session import begin_map_session
from denseba_ros.pose_graph.graph import Edge
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.sequences.trajectory import Trajectory, write_tum
from denseba_ros.slam.system import System

# A closure is false from so many degrees on, and from this share of the depth of the scene.
_FALSE = (8.0, 0.15)
_FILES = ("groundtruth.txt", "poses_tum.txt", "poses_gt.txt")


@dataclass
class Run:
    """Stamps of measured images with T_world_camera (4, 4): of the window alone, and as the map had
    them at the time; ``closures`` with the stamps and the depth of the scene of their first one;
    ``graph``: the path by the graph of keyframes alone."""

    stamps: list[int] = field(default_factory=list)
    without: list[np.ndarray] = field(default_factory=list)
    live: list[np.ndarray] = field(default_factory=list)
    closures: list[tuple[Edge, int, int, float]] = field(default_factory=list)
    graph: Trajectory | None = None


def groundtruth(name: str) -> Trajectory:
    """That of a rendered sequence, or of the file in its folder."""
    files = [Path(name) / file for file in _FILES]
    return read_groundtruth(next((file for file in files if file.exists()), Path(name)))


def follow(name: str, start: int) -> tuple[Run, GlobalMap, Trajectory]:
    """Run over a sequence from image ``start`` on; the path at the end is the last.

    Raises:
        SystemExit: the package of the features is missing.
    """
    sequence, run = open_sequence(name, start=start), Run()
    config = Config.from_dict({"map": {"mode": "mapping"}})
    system = System(config, sequence.calibration)
    session = begin_map_session(config, system, is_live=False)
    if session is None:
        raise SystemExit("a map needs denseba_ros[matching]")
    with session:
        for frame in sequence:
            estimate = system.process(frame.stamp_ns, frame.image)
            in_map, closure = session.follow(estimate)
            system.finished_keyframes()  # nobody else takes them
            if closure is not None:
                note(run, session.global_map, system, closure)
            if estimate.is_measured:
                run.stamps.append(frame.stamp_ns)
                run.without.append(estimate.T_world_camera)
                run.live.append(in_map.T_world_camera)
        session.finish()
        run.graph = Trajectory(*session.path())
        session.adjust()
        return run, session.global_map, Trajectory(*session.path())


def note(run: Run, global_map: GlobalMap, system: System, closure: Closure) -> None:
    """Keep what was accepted, with what is known of its keyframes now."""
    window = {} if system.local_map is None else system.local_map.poses()
    stamps = {global_map.graph.number(stamp): stamp for stamp in window}
    for edge in closure.edges:
        first = global_map.store.get(edge.first)
        second = stamps.get(edge.second) or global_map.store.get(edge.second).stamp_ns
        depth = global_map.search.depth(edge.first)
        run.closures.append((edge, first.stamp_ns, second, depth))


def errors(run: Run, global_map: GlobalMap, truth: Trajectory, scale: float) -> np.ndarray:
    """Degrees and share of the depth (N, 2) by which closures err; ``scale``: metres per unit of
    the map. Those whose true poses are not known are left out."""
    rows = []
    for edge, *stamps, depth in run.closures:
        first, second = (true_pose(truth, stamp) for stamp in stamps)
        S_map_first = global_map.graph.pose(edge.first)
        if first is None or second is None or S_map_first is None:
            continue
        unit, T = scale * float(sim3.scale(S_map_first)), sim3.inverse(first) @ second
        turn = sim3.rigid(edge.S_first_second)[:3, :3].T @ T[:3, :3]
        shift = np.linalg.norm(unit * edge.S_first_second[:3, 3] - T[:3, 3])
        degrees = np.degrees(Rotation.from_matrix(turn).magnitude())
        rows.append((degrees, shift / (unit * depth)))
    return np.array(rows).reshape(-1, 2)


def ate(path: Trajectory, truth: Trajectory) -> tuple[float, float]:
    """Root mean square of the position errors after alignment, metres, and its scale."""
    matched = match(path, truth, default_tolerance_ns(truth.stamps_ns))
    return float(np.sqrt(np.mean(absolute_errors(matched) ** 2))), matched.alignment.scale


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sequences", nargs="+", help="folders, or names of rendered sequences")
    parser.add_argument("--start", type=int, nargs="+", default=[0], help="first image")
    parser.add_argument("--out", type=Path, help="folder for the three paths of each run")
    arguments = parser.parse_args()
    print(
        "| sequence, first image | closures | judged | false | largest error: degrees, share |",
        end="",
    )
    print(" without | live | graph | final |\n" + "|---" * 9 + "|")
    for name in arguments.sequences:
        for start in arguments.start:
            report(name, start, arguments.out)


def report(name: str, start: int, out: Path | None) -> None:
    """Print the row of one run, and what became of its candidates."""
    run, global_map, final = follow(name, start)
    truth, label = groundtruth(name), f"{Path(name).name}, {start}"
    live, without = (Trajectory(np.array(run.stamps), np.array(p)) for p in (run.live, run.without))
    graph = run.graph or final
    lengths = [ate(path, truth)[0] for path in (without, live, graph, final)]
    wrong = errors(run, global_map, truth, ate(final, truth)[1])
    false = int(np.any(wrong > _FALSE, axis=1).sum())
    largest = ", ".join(f"{value:.2f}" for value in wrong.max(axis=0, initial=0.0))
    counted = f"{len(run.closures)} | {len(wrong)} | {false} | {largest}"
    print(f"| {label} | {counted} | {' | '.join(f'{length:.4f}' for length in lengths)} |")
    print(f"    {len(global_map.graph.poses)} keyframes; {dict(global_map.counts)}", flush=True)
    if out is not None:
        folder = out / label.replace(", ", "_").replace(":", "_")
        folder.mkdir(parents=True, exist_ok=True)
        for path, file in (
            (without, "without"),
            (live, "live"),
            (graph, "graph"),
            (final, "final"),
        ):
            write_tum(folder / f"{file}.txt", path)


if __name__ == "__main__":
    main()
