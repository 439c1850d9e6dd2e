"""Measured results: runs the recorded sequences and keeps what the commands say of themselves.

    python benchmarks/results.py run DATA [NAME ...] --out RUNS    runs, evaluates, keeps the record
    python benchmarks/results.py collect NAME RUN [--timing live] [--commit HASH]
    python docs/generators/results_page.py > docs/results.md       writes the tables

A record is docs/results/NAME.json: a part of ``summary.json`` and ``evaluation.json``, stamped with
commit, date, machine and load. It is of one pose and one timing. A run of ``denseba record`` gives
two, NAME_TIMING_odometry.json and NAME_TIMING_map.json. A test holds docs/results.md to the
records.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from denseba_ros.evaluation.results.pose_reports import pose_reports

ROOT = Path(__file__).resolve().parents[1]
RECORDS = ROOT / "docs" / "results"

_SUMMARY = (
    "finished", "frames", "tracked", "initialising", "lost", "frames_unreadable", "keyframes",
    "dropped", "poses", "times_real_time", "elapsed_seconds", "seconds_per_frame",
    "peak_memory_mib", "device", "versions",
)  # fmt: skip
_PATH = ("alignment", "trajectory", "nees", "ate_m_by_state")


@dataclass(frozen=True)
class Sequence:
    """A folder of the data, how it is read, and where its true path and depth lie."""

    title: str
    folder: str
    note: str = ""
    options: tuple[str, ...] = ()
    groundtruth: str = ""
    depth: tuple[str, ...] = ()


SEQUENCES = {
    "kitti_odometry_00": Sequence(
        "KITTI odometry 00, first 160", "kitti_odometry_00", "all trained on"
    ),
    "kitti_raw_0926": Sequence(
        "KITTI raw 2011_09_26, 400 images",
        "kitti_raw_0926",
        "250 trained on",
        depth=(
            "--depth-groundtruth", "{}/depth_lidar", "--depth-times", "{}/times.txt",
            "--depth-scale", "256",
        ),
    ),
    "7scenes_redkitchen": Sequence(
        "7-Scenes redkitchen seq-01",
        "7scenes_redkitchen_seq01",
        "600 trained on",
        depth=(
            "--depth-groundtruth", "{}", "--depth-fps", "30",
            "--depth-intrinsics", "292.5,292.5,159.5,119.5",
        ),
    ),
    "hololens_000": Sequence(
        "HoloLens walk, 373 images",
        "hololens_000",
        "187 trained on",
        depth=("--depth-groundtruth", "{}/depth", "--depth-fps", "1"),
    ),
    "bedroom_loop": Sequence(
        "Bedroom, two rounds", "bedroom_loop", "never seen", groundtruth="{}/groundtruth.txt"
    ),
    "corridor": Sequence(
        "Corridor (TartanAir)", "corridor", "never seen", depth=("--depth-groundtruth", "{}")
    ),
    "kitti_turn": Sequence(
        "KITTI, begins in a turn",
        "kitti_turn",
        "never seen",
        options=("--format", "tum"),
        groundtruth="{}/groundtruth.txt",
    ),
}  # fmt: skip


def run_sequence(name: str, data: Path, runs: Path) -> list[Path]:
    """Run and evaluate one sequence with the default configuration; its records.

    Raises:
        subprocess.CalledProcessError: when a command fails; its own message says why.
    """
    sequence, folder, out = SEQUENCES[name], data / SEQUENCES[name].folder, runs / name
    load = os.getloadavg()[0]
    _denseba("run", str(folder), *sequence.options, "--out", str(out))
    truth = (sequence.groundtruth or "{}").format(folder)
    depth = [part.format(folder) for part in sequence.depth]
    _denseba("evaluate", str(out), "--groundtruth", truth, *depth)
    return write_records(name, out, load=load)


def _denseba(*arguments: str) -> None:
    command = [sys.executable, "-m", "denseba_ros.cli.main", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def write_records(
    name: str,
    run: Path,
    load: float | None,
    timing: str | None = None,
    commit: str | None = None,
) -> list[Path]:
    """Keep what a run says of itself and what the evaluation says of each of its poses.

    ``timing`` (lockstep or live) is by default what the run knows of it.

    Raises:
        ValueError: when the run does not know its timing.
    """
    summary = json.loads((run / "summary.json").read_text())
    evaluation = json.loads((run / "evaluation.json").read_text())
    timing = timing or summary.get("timing", "unknown")
    if timing not in ("lockstep", "live"):
        raise ValueError(f"{run} does not know how its images came: give --timing")
    reports = pose_reports(evaluation)
    RECORDS.mkdir(parents=True, exist_ok=True)
    written = []
    for pose, report in reports.items():
        record = {
            "name": name,
            "title": SEQUENCES[name].title if name in SEQUENCES else name,
            "note": SEQUENCES[name].note if name in SEQUENCES else "",
            "commit": commit or present_commit(),
            "date": datetime.date.today().isoformat(),
            "machine": {"cpu": cpu_model(), "cores": os.cpu_count(), "load_before": load},
            "pose": pose,
            "timing": timing,
            "depth_model": _depth_model(summary),
            "summary": {key: summary[key] for key in _SUMMARY if key in summary},
            "evaluation": {key: report[key] for key in _PATH if key in report},
        }
        if pose == "map" and "depth" in evaluation:  # the keyframes are in map
            record["evaluation"]["depth"] = evaluation["depth"]
        is_plain = len(reports) == 1
        written.append(RECORDS / (f"{name}.json" if is_plain else f"{name}_{timing}_{pose}.json"))
        written[-1].write_text(json.dumps(_rounded(record), indent=1) + "\n")
    return written


def _depth_model(summary: dict[str, Any]) -> str:
    """The depth model of a run; a recorder does not know that of the node."""
    configuration = summary.get("configuration")
    return str(configuration["frontend"]["depth_model"]) if configuration else "not said"


def present_commit() -> str:
    """The commit of the checkout, with a plus when the package differs from it."""
    head = _git("rev-parse", "--short=7", "HEAD")
    return head + ("+" if _git("status", "--porcelain", "--", "src", "models", "config") else "")


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def cpu_model() -> str:
    """The processor's name as Linux gives it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _rounded(value: Any) -> Any:
    """Five digits: no figure here means more."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run sequences with the default configuration")
    run.add_argument("data", type=Path)
    run.add_argument("--out", type=Path, required=True)
    run.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SEQUENCES)}")
    collect = commands.add_parser("collect", help="keep the record of a run that is there")
    collect.add_argument("name")
    collect.add_argument("run", type=Path)
    collect.add_argument(
        "--timing", choices=("lockstep", "live"), help="where the run does not know it"
    )
    collect.add_argument("--commit", help="that it ran at, default the checkout's")
    args = parser.parse_args()
    if args.command == "run":
        unknown = set(args.names) - set(SEQUENCES)
        if unknown:
            parser.error(f"no such sequence: {', '.join(sorted(unknown))}")
        failed = 0
        for name in args.names or SEQUENCES:
            try:
                print(*run_sequence(name, args.data, args.out), sep="\n", flush=True)
            except subprocess.CalledProcessError as error:
                print(f"{name}: {error}", file=sys.stderr)
                failed += 1
        sys.exit(1 if failed else 0)
    else:
        try:
            print(*write_records(args.name, args.run, None, args.timing, args.commit), sep="\n")
        except ValueError as error:
            parser.error(str(error))


if __name__ == "__main__":
    main()
