"""``denseba benchmark solvers``: accuracy, time and gradients of the minimal solvers."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from denseba_ros.benchmark.solvers.solver_accuracy import run_accuracy
from denseba_ros.benchmark.solvers.solver_gradients import make_pairs, run_gradients
from denseba_ros.benchmark.solvers.solver_table import solver_table
from denseba_ros.cli.benchmark.options import add_timing_options, check_counts, write_json
from denseba_ros.cli.exit_status import DONE
from denseba_ros.cli.options.kinds import add_counts
from denseba_ros.device import pick_device
from denseba_ros.evaluation.results.run_statistics import describe_machine, machine_summary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba benchmark solvers``."""
    add_timing_options(parser, repeat=5)
    add_counts(
        parser,
        accuracy_samples=(5000, "random problems of each solver"),
        pairs=(32, "image pairs of the training step"),
        samples=(64, "minimal samples of each pair"),
    )


def run(args: argparse.Namespace) -> int:
    """Print the tables, and write JSON where asked for.

    Raises:
        ConfigurationError: on a device that is not there, or a count below one.
    """
    check_counts(args, "repeat", "accuracy_samples", "pairs", "samples")
    device = pick_device(args.device)
    machine = machine_summary(device)
    accuracy = run_accuracy(args.accuracy_samples, device, args.repeat)
    gradients = run_gradients(make_pairs(args.pairs, args.samples, device), args.repeat)
    print(solver_table(accuracy, gradients, describe_machine(machine)))
    numbers = {
        "machine": machine,
        "accuracy": [asdict(result) for result in accuracy],
        "gradients": {result.name: result.as_json() for result in gradients},
    }
    write_json(args, numbers)
    return DONE
