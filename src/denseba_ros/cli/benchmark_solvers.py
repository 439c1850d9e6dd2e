"""``denseba benchmark solvers``: accuracy, time and gradients of the minimal solvers."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from denseba_ros.benchmark.solvers.solver_accuracy import run_accuracy
from denseba_ros.benchmark.solvers.solver_gradients import make_pairs, run_gradients
from denseba_ros.benchmark.solvers.solver_table import solver_table
from denseba_ros.device import pick_device
from denseba_ros.errors import ConfigurationError
from denseba_ros.evaluation.results.run_statistics import describe_machine, machine_summary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba benchmark solvers``."""
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all numbers here")
    parser.add_argument("--repeat", type=int, default=5, help="repetitions of each timing")
    parser.add_argument("--accuracy-samples", type=int, default=5000, metavar="N")
    parser.add_argument("--pairs", type=int, default=32, help="image pairs of the training step")
    parser.add_argument("--samples", type=int, default=64, help="minimal samples of each pair")


def run(args: argparse.Namespace) -> int:
    """Print the tables, and write JSON where asked for.

    Raises:
        ConfigurationError: on a device that is not there, or a count below one.
    """
    counts = (args.repeat, args.accuracy_samples, args.pairs, args.samples)
    if min(counts) < 1:
        raise ConfigurationError("all counts must be at least 1")
    device = pick_device(args.device)
    machine = machine_summary(device)
    accuracy = run_accuracy(args.accuracy_samples, device, args.repeat)
    gradients = run_gradients(make_pairs(args.pairs, args.samples, device), args.repeat)
    print(solver_table(accuracy, gradients, describe_machine(machine)))
    if args.json is not None:
        everything = {
            "machine": machine,
            "accuracy": [asdict(result) for result in accuracy],
            "gradients": {result.name: result.as_json() for result in gradients},
        }
        args.json.write_text(json.dumps(everything, indent=2) + "\n")
    return 0
