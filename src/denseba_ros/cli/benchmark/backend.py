"""``denseba benchmark backend``: the bundle adjustment of one window, against its floors."""

from __future__ import annotations

import argparse

from denseba_ros.benchmark.backend.backend_benchmark import SIZES, run_backend
from denseba_ros.benchmark.backend.backend_table import backend_table
from denseba_ros.benchmark.backend.floors import measure_rates
from denseba_ros.benchmark.backend.general_solvers import EVERY, run_general
from denseba_ros.cli.benchmark.options import add_timing_options, check_counts, write_json
from denseba_ros.cli.exit_status import DONE
from denseba_ros.cli.options.kinds import add_numbers
from denseba_ros.device import pick_device
from denseba_ros.evaluation.results.run_statistics import describe_machine, machine_summary
from denseba_ros.slam.mapping.local_mapper import DAMPING


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba benchmark backend``."""
    add_timing_options(parser, repeat=5)
    parser.add_argument(
        "--window",
        choices=("all", *SIZES),
        default="all",
        help="`default` is what the system adjusts at a keyframe, `dense` every cell of the grid",
    )
    limit = "seconds for L-BFGS and each general solver on each level; 0 leaves them out"
    add_numbers(parser, cap=(600.0, limit))


def run(args: argparse.Namespace) -> int:
    """Print the table, and write JSON where asked for.

    Raises:
        ConfigurationError: on a device that is not there, or no repetition.
    """
    check_counts(args, "repeat")
    device = pick_device(args.device)
    rates = measure_rates(device)
    names = SIZES if args.window == "all" else (args.window,)
    results = [run_backend(name, SIZES[name], device, args.repeat, args.cap) for name in names]
    solvers = EVERY if args.cap > 0 else ()
    general = [run_general(solver, DAMPING, args.repeat, args.cap) for solver in solvers]
    machine = machine_summary(device)
    print(backend_table(results, general, rates, describe_machine(machine)))
    numbers = {
        "machine": machine,
        "rates": vars(rates),
        "windows": [result.as_json(rates) for result in results],
        "general_solvers": [one.as_json() for one in general],
    }
    write_json(args, numbers)
    return DONE
