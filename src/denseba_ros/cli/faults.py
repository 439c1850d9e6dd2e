"""``denseba faults``: what the node makes of cameras, clocks and processes that misbehave."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from denseba_ros.cli.exit_status import DONE, FAILED
from denseba_ros.cli.options.kinds import add_counts, add_numbers, add_switches
from denseba_ros.cli.options.output import add_out_option
from denseba_ros.errors import ConfigurationError
from denseba_ros.nodes.tools.processes import Processes, private_environment, ros_is_here
from denseba_ros.sequences.rendering.rendered_folder import write_rendered
from denseba_ros.sequences.room.synthetic_room import RoomSequence

if TYPE_CHECKING:
    from denseba_ros.faults.bench import Bench, Result
    from denseba_ros.faults.scenarios import Scenario

LONG = ("fuzz", "lifecycle", "loop")
_FRAMES, _WIDTH, _HEIGHT = 60, 320, 240


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba faults``."""
    parser.description = (
        "Runs nodes and a misbehaving camera as processes over DDS and prints a table. Without "
        "names all faults are run; fuzz, lifecycle and loop are the long ones, by name only."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"a fault, or {', '.join(LONG)}")
    add_out_option(parser, Path("faults"))
    add_switches(parser, list="print the names of the faults")
    add_counts(
        parser, inputs=(100_000, "random inputs of fuzz"), cycles=(200, "rounds of lifecycle")
    )
    add_numbers(parser, minutes=(30.0, "duration of loop"))


def run(args: argparse.Namespace) -> int:
    """0 when every bar was met, 1 when one was not.

    Raises:
        DensebaError: without ROS 2, on an unknown name, or when a process fails.
    """
    missing = ros_is_here()
    if missing:
        raise ConfigurationError(missing)
    from denseba_ros.faults.scenarios import MEDLEY, SCENARIOS

    known = {scenario.name: scenario for scenario in (*SCENARIOS, MEDLEY)}
    if args.list:
        print("\n".join([*known, *LONG]))
        return DONE
    names = args.names or [scenario.name for scenario in SCENARIOS]
    unknown = set(names) - known.keys() - set(LONG)
    if unknown:
        raise ConfigurationError(f"no such faults: {sorted(unknown)}; see denseba faults --list")
    room = _rendered_room(args.out, needed=set(names) != {"fuzz"})
    met = _run_short([known[name] for name in names if name in known], args.out, room)
    for name in (n for n in LONG if n in names):
        met &= _run_long(name, args, room)
    return DONE if met else FAILED


def _rendered_room(folder: Path, needed: bool) -> Path:
    """The sequence that the camera shows, below ``folder``; written where it is ``needed``."""
    folder.mkdir(parents=True, exist_ok=True)
    room = folder / "room"
    if needed and not room.exists():
        frames = RoomSequence(frames=_FRAMES, width=_WIDTH, height=_HEIGHT)
        write_rendered(room, frames, progress=sys.stderr.isatty())
    return room


def _run_short(scenarios: Sequence[Scenario], folder: Path, room: Path) -> bool:
    """Run scenarios, print a row for each, write faults.json; whether every bar was met."""
    results = []
    for scenario in tqdm(scenarios, unit="fault", disable=None):
        with _bench(folder / scenario.name.replace(" ", "_"), room) as bench:
            results.append(bench.run(scenario))
        print(_row(results[-1]), flush=True)
    (folder / "faults.json").write_text(json.dumps([asdict(r) for r in results], indent=1))
    return all(not result.faults for result in results)


def _run_long(name: str, args: argparse.Namespace, room: Path) -> bool:
    """Run one of LONG and write its JSON; whether its bar was met."""
    from denseba_ros.faults import endurance, fuzz

    progress = sys.stderr.isatty()
    if name == "fuzz":
        ends = fuzz.fuzz(args.inputs, progress=progress)
        report: dict[str, object] = dict(ends)
        met = True
    else:
        with _bench(args.out / name, room) as bench:
            result = (
                endurance.cycle(bench, args.cycles, progress)
                if name == "lifecycle"
                else endurance.loop(bench, args.minutes, progress)
            )
        report = {**asdict(result), "growth_mib": result.growth_mib}
        met = result.exit_status == 0
    (args.out / f"{name}.json").write_text(json.dumps(report, indent=1))
    print(name, json.dumps(report), flush=True)
    return met


@contextmanager
def _bench(folder: Path, room: Path) -> Iterator[Bench]:
    """Processes in a ROS domain of their own, and an observer among them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sent.log").unlink(missing_ok=True)
    environment = private_environment(folder)
    os.environ.update(environment)
    from denseba_ros.faults.bench import Bench, observing

    with observing() as observer, Processes(environment, folder) as processes:
        yield Bench(processes, observer, room, folder)


def _row(result: Result) -> str:
    """One row of a table in Markdown."""
    verdict = "; ".join(result.faults) or "ok"
    return (
        f"| {result.name} | {result.expected} | {result.images} / {result.odometry} | "
        f"{result.silence:.2f} s | {result.predicted_silence:.2f} s | "
        f"{100 * result.jump:.1f} cm | {100 * result.odometry_error:.1f} cm | "
        f"{100 * result.map_error:.1f} cm | {result.recovery:.2f} s | {result.resets} | {verdict} |"
    )
