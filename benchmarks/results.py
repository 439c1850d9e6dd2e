"""Measured results: runs the recorded sequences and keeps what the commands say of themselves.

    python benchmarks/results.py run DATA [NAME ...] --out RUNS    runs, evaluates, keeps the record
    python benchmarks/results.py live DATA [NAME ...] --out RUNS [--load N]    at the camera's rate
    python benchmarks/results.py collect NAME RUN [--timing live] [--commit HASH]
    python benchmarks/results.py collect NAME RUN    also of what `denseba benchmark gpu` wrote
    python docs/generators/results_page.py > docs/results.md       writes the tables

A record is docs/results/NAME.json: a part of ``summary.json`` and ``evaluation.json``, stamped with
commit, date, machine and load. It is of one pose and one timing. A run of ``denseba record`` gives
two, NAME_TIMING_odometry.json and NAME_TIMING_map.json. What ``denseba benchmark live`` wrote is
kept as docs/results/live/NAME.json, NAME_loadN.json where N cores were busy, NAME_two.json of two
nodes; what ``denseba benchmark gpu`` wrote, as docs/results/gpu/NAME.json. A test holds
docs/results.md to the records.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from denseba_ros.benchmark.provenance import provenance
from denseba_ros.evaluation.results.pose_reports import pose_reports

ROOT = Path(__file__).resolve().parents[1]
RECORDS = ROOT / "docs" / "results"
LIVE = "live.json"
GPU = "gpu.json"

_SUMMARY = (
    "finished", "frames", "tracked", "initialising", "lost", "frames_left_out", "keyframes",
    "dropped", "poses", "times_real_time", "elapsed_seconds", "seconds_per_frame",
    "peak_memory_mib", "device", "versions",
)  # fmt: skip
_PATH = ("alignment", "trajectory", "nees", "ate_m_by_state")


@dataclass(frozen=True)
class Recorded:
    """A folder of the data, how it is read, and where its true path and depth lie."""

    title: str
    folder: str
    note: str = ""
    options: tuple[str, ...] = ()
    groundtruth: str = ""
    depth: tuple[str, ...] = ()

    def truth(self, folder: Path) -> str | None:
        """File of the true path, None where the sequence at ``folder`` brings it."""
        return self.groundtruth.format(folder) or None


SEQUENCES = {
    "kitti_odometry_00": Recorded(
        "KITTI odometry 00, first 160", "kitti_odometry_00", "all trained on"
    ),
    "kitti_raw_0926": Recorded(
        "KITTI raw 2011_09_26, 400 images",
        "kitti_raw_0926",
        "250 trained on",
        depth=(
            "--depth-groundtruth", "{}/depth_lidar", "--depth-times", "{}/times.txt",
            "--depth-scale", "256",
        ),
    ),
    "7scenes_redkitchen": Recorded(
        "7-Scenes redkitchen seq-01",
        "7scenes_redkitchen_seq01",
        "600 trained on",
        depth=(
            "--depth-groundtruth", "{}", "--depth-fps", "30",
            "--depth-intrinsics", "292.5,292.5,159.5,119.5",
        ),
    ),
    "hololens_000": Recorded(
        "HoloLens walk, 373 images",
        "hololens_000",
        "187 trained on",
        depth=("--depth-groundtruth", "{}/depth", "--depth-fps", "1"),
    ),
    "bedroom_loop": Recorded(
        "Bedroom, two rounds", "bedroom_loop", "never seen", groundtruth="{}/groundtruth.txt"
    ),
    "corridor": Recorded(
        "Corridor (TartanAir)",
        "corridor",
        "never seen",
        # In millimetres, unlike other TUM folders.
        depth=("--depth-groundtruth", "{}", "--depth-scale", "1000"),
    ),
    "kitti_turn": Recorded(
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
    truth = sequence.truth(folder) or str(folder)
    depth = [part.format(folder) for part in sequence.depth]
    _denseba("evaluate", str(out), "--groundtruth", truth, *depth)
    return write_records(name, out, load=load)


def run_live(
    name: str, data: Path, runs: Path, load: int, is_distributed: bool = False
) -> list[Path]:
    """Run one sequence at the camera's rate while ``load`` cores are busy; its record.
    ``is_distributed``: in two nodes.

    Raises:
        subprocess.CalledProcessError: when the command fails; its own message says why.
    """
    sequence, folder = SEQUENCES[name], data / SEQUENCES[name].folder
    out = runs / live_name(name, load, is_distributed=is_distributed)
    truth = sequence.truth(folder)
    options = [*sequence.options, *(["--groundtruth", truth] if truth else [])]
    options += ["--load", str(load), "--out", str(out)]
    options += ["--distributed"] if is_distributed else []
    _denseba("benchmark", "live", str(folder), *options)
    return [write_live_record(name, out)]


def live_name(name: str, load: int, rate: float = 1.0, is_distributed: bool = False) -> str:
    """Name of the record of a sequence at ``rate`` times real time, with so many busy cores, and
    in two nodes where it ``is_distributed``."""
    parts = (("_two", is_distributed), (f"_rate{rate:g}", rate != 1.0), (f"_load{load}", load > 0))
    return name + "".join(part for part, is_so in parts if is_so)


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
    origin = provenance(load) | ({"commit": commit} if commit else {})
    RECORDS.mkdir(parents=True, exist_ok=True)
    written = []
    for pose, report in reports.items():
        record = {
            **_identity(name),
            **{key: origin[key] for key in ("commit", "date", "machine")},
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


def write_live_record(name: str, run: Path) -> Path:
    """Keep the live.json of a run, without the folder that it lay in."""
    report = json.loads((run / LIVE).read_text())
    how = (report["load"], report["rate"], report["distributed"])
    path = RECORDS / "live" / f"{live_name(name, *how)}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {**_identity(name), **report}
    path.write_text(json.dumps(_rounded(record), indent=1) + "\n")
    return path


def write_gpu_record(name: str, run: Path, commit: str | None = None) -> Path:
    """Keep the figures of a gpu.json; of a part that failed, the last line that it said.

    Raises:
        ValueError: when it is of a trial on a CPU.
    """
    report = json.loads((run / GPU).read_text())
    if report["gpu"]["name"] is None:
        raise ValueError(f"{run / GPU} is of a trial on a CPU: no figure of it means anything")
    kept = ("title", "status", "seconds", "figures", "notes")
    parts = [
        {**{key: part[key] for key in kept}, "reason": part["reason"].rpartition("\n")[2]}
        for part in report["parts"]
    ]
    path = RECORDS / "gpu" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {**report, "parts": parts} | ({"commit": commit} if commit else {})
    path.write_text(json.dumps(_rounded(record), indent=1) + "\n")
    return path


def _identity(name: str) -> dict[str, str]:
    """Name, title and note of a sequence; the name alone of one that is not ours."""
    known = SEQUENCES.get(name, Recorded(name, name))
    return {"name": name, "title": known.title, "note": known.note}


def _depth_model(summary: dict[str, Any]) -> str:
    """The depth model of a run; a recorder does not know that of the node."""
    configuration = summary.get("configuration")
    return str(configuration["frontend"]["depth_model"]) if configuration else "not said"


def _rounded(value: Any) -> Any:
    """Five digits: no figure here means more."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def _run_all(names: Sequence[str], run: Callable[[str], list[Path]]) -> int:
    """Run sequences, all without ``names``, and print their records; how many failed."""
    failed = 0
    for name in names or SEQUENCES:
        try:
            print(*run(name), sep="\n", flush=True)
        except subprocess.CalledProcessError as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed += 1
    return failed


def _collect(args: argparse.Namespace) -> list[Path]:
    """The records of a run that is there: of a GPU, live, or neither."""
    if (args.run / GPU).is_file():
        return [write_gpu_record(args.name, args.run, args.commit)]
    if (args.run / LIVE).is_file():
        return [write_live_record(args.name, args.run)]
    return write_records(args.name, args.run, None, args.timing, args.commit)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run sequences with the default configuration")
    live = commands.add_parser("live", help="the same at the camera's rate, over ROS 2")
    for command in (run, live):
        command.add_argument("data", type=Path)
        command.add_argument("--out", type=Path, required=True)
        command.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SEQUENCES)}")
    live.add_argument("--load", type=int, default=0, help="busy cores meanwhile")
    live.add_argument("--distributed", action="store_true", help="in two nodes")
    collect = commands.add_parser("collect", help="keep the record of a run that is there")
    collect.add_argument("name")
    collect.add_argument("run", type=Path)
    collect.add_argument(
        "--timing", choices=("lockstep", "live"), help="where the run does not know it"
    )
    collect.add_argument("--commit", help="that it ran at, default the checkout's")
    return parser


def main() -> None:
    parser = _parser()
    args = parser.parse_args()
    if args.command == "collect":
        try:
            print(*_collect(args), sep="\n")
        except ValueError as error:
            parser.error(str(error))
        return
    unknown = set(args.names) - set(SEQUENCES)
    if unknown:
        parser.error(f"no such sequence: {', '.join(sorted(unknown))}")
    run = partial(run_sequence, data=args.data, runs=args.out)
    if args.command == "live":
        how = {"load": args.load, "is_distributed": args.distributed}
        run = partial(run_live, data=args.data, runs=args.out, **how)
    sys.exit(1 if _run_all(args.names, run) else 0)


if __name__ == "__main__":
    main()
