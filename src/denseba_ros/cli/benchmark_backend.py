"""``denseba benchmark backend``: the bundle adjustment of one window, against its floors."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from denseba_ros.benchmark.backend.backend_benchmark import SIZES, run_backend
from denseba_ros.benchmark.backend.backend_table import backend_table
from denseba_ros.benchmark.backend.floors import measure_rates
from denseba_ros.benchmark.backend.general_solvers import EVERY, run_general
from denseba_ros.device import pick_device
from denseba_ros.errors import ConfigurationError
from denseba_ros.evaluation.results.run_statistics import describe_machine, machine_summary
from denseba_ros.slam.mapping.local_mapper import DAMPING


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba benchmark backend``."""
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all numbers here")
    parser.add_argument("--repeat", type=int, default=5, help="repetitions of each timing")
    parser.add_argument(
        "--window",
        choices=("all", *SIZES),
        default="all",
        help="default: what the system adjusts at a keyframe; dense: every cell of the depth grid",
    )
    parser.add_argument(
        "--cap",
        type=float,
        default=600.0,
        metavar="SECONDS",
        help="longest that L-BFGS and the general solvers may take on each level; 0: none of them",
    )


def run(args: argparse.Namespace) -> int:
    """Print the table, and write JSON where asked for.

    Raises:
        ConfigurationError: on a device that is not there, or no repetition.
    """
    if args.repeat < 1:
        raise ConfigurationError(f"--repeat {args.repeat}: at least 1")
    device = pick_device(args.device)
    rates = measure_rates(device)
    names = SIZES if args.window == "all" else (args.window,)
    results = [run_backend(name, SIZES[name], device, args.repeat, args.cap) for name in names]
    solvers = EVERY if args.cap > 0 else ()
    general = [run_general(solver, DAMPING, args.repeat, args.cap) for solver in solvers]
    machine = machine_summary(device)
    print(backend_table(results, general, rates, describe_machine(machine)))
    if args.json is not None:
        windows = [result.as_json(rates) for result in results]
        everything = {
            "machine": machine,
            "rates": vars(rates),
            "windows": windows,
            "general_solvers": [one.as_json() for one in general],
        }
        args.json.write_text(json.dumps(everything, indent=2) + "\n")
    return 0
