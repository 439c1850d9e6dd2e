"""What kill -9 takes of a map: runs that are killed at random images, and the file they leave.

    python benchmarks/maps/kills.py SEQUENCE [--kills 50] [--start N] [--count N]

Every second run begins a map; the others go on with the file that the killed one before left. A
file must open, hold what was there before, and have every page and row as it should be. How much is
missing: seconds from its newest keyframe to the last pose that was told.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from denseba_ros.errors import MapFileError
from denseba_ros.map_file.map_check import check_map
from denseba_ros.map_file.map_reader import MapReader

# Poses of a run are in one of these, by whether they are in the map that it goes on with.
_PATHS = ("trajectory.txt", "unjoined.txt")
# Images of a run after which it is killed, at the earliest.
_FIRST = 20


@dataclass(frozen=True)
class Left:
    """What a killed run left: ``keyframes`` of all sessions and of its own, and the seconds that
    are ``missing`` of its path; ``problem``: what is wrong, empty where all is well."""

    keyframes: int = 0
    own: int = 0
    missing: float = 0.0
    problem: str = ""


def killed(arguments: argparse.Namespace, out: Path, file: Path, images: int, wait: float) -> None:
    """Run with the map in ``file`` until ``images`` have a pose and ``wait`` seconds more."""
    shutil.rmtree(out, ignore_errors=True)
    option = "--map" if file.exists() else "--save-map"
    command = [sys.executable, "-m", "denseba_ros.cli.main", "run", str(arguments.sequence)]
    command += ["--start", str(arguments.start), "--count", str(arguments.count)]
    command += ["--out", str(out), option, str(file)]
    with (out.parent / "run.log").open("w") as log:
        run = subprocess.Popen(command, stdout=log, stderr=log)
        while len(told(out)) < images:
            if run.poll() is not None:
                raise SystemExit(f"the run ended before it was killed: {log.name}")
            time.sleep(0.01)
        time.sleep(wait)
        run.send_signal(signal.SIGKILL)
        run.wait()


def told(out: Path) -> list[float]:
    """Stamps in seconds of the poses that a run has told so far; its last line may be cut."""
    stamps = []
    for path in (out / name for name in _PATHS):
        rows = path.read_text().split("\n")[:-1] if path.exists() else []
        stamps += [float(row.split()[0]) for row in rows if row and row[0] != "#"]
    return sorted(stamps)


def left(file: Path, out: Path, before: int) -> Left:
    """What is in ``file``, where ``before`` keyframes were there when the run began."""
    try:
        with MapReader(file) as reader:
            entries, problems = reader.entries(), check_map(reader)
    except MapFileError as error:
        return Left(problem=str(error))
    own = [entry.stamp_ns for entry in entries[before:]]
    if len(entries) < before:
        problems.append(f"{before} keyframes were there before")
    first = told(out)[0]
    newest = max(own, default=int(first * 1e9)) / 1e9
    return Left(len(entries), len(own), told(out)[-1] - newest, "; ".join(problems))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sequence", type=Path)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--count", type=int, default=300, help="images of a run, at most")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    random, missing, bad, before = np.random.default_rng(arguments.seed), list[float](), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        out, file = Path(folder) / "out", Path(folder) / "killed.denseba"
        for k in range(arguments.kills):
            if k % 2 == 0:
                before = 0
                for path in Path(folder).glob(f"{file.name}*"):
                    path.unlink()
            images = int(random.integers(_FIRST, arguments.count - _FIRST))
            killed(arguments, out, file, images, float(random.uniform(0.0, 0.2)))
            found = left(file, out, before)
            words = "went on" if before else "new"
            print(
                f"{k}: {words}, killed after {len(told(out))} images: {found.keyframes} keyframes, "
                f"{found.own} of its own, {found.missing:.2f} s missing {found.problem}",
                flush=True,
            )
            missing.append(found.missing)
            bad += bool(found.problem)
            before = found.keyframes
    shares = ", ".join(f"{value:.2f}" for value in np.percentile(missing, (50, 95, 100)))
    print(f"{len(missing)} kills, {bad} files bad; seconds missing, 50 %, 95 %, most: {shares}")


if __name__ == "__main__":
    main()
