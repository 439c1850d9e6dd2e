"""``denseba benchmark``: how fast this machine runs the backend or the whole system.

Each module of ``BENCHMARKS`` has ``add_arguments(parser)`` and ``run(args) -> int``.
"""

from __future__ import annotations

import argparse

from denseba_ros.cli import (
    benchmark_backend,
    benchmark_recovery,
    benchmark_solvers,
    benchmark_system,
)

BENCHMARKS = {
    "backend": (benchmark_backend, "two iterations on one window, floors and other solvers"),
    "system": (benchmark_system, "frames per second, stages and memory on a real sequence"),
    "solvers": (benchmark_solvers, "minimal solvers: accuracy, time, and three gradients"),
    "recovery": (benchmark_recovery, "the place found again after images that show nothing"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add one subcommand for each benchmark."""
    subparsers = parser.add_subparsers(dest="benchmark", required=True, metavar="BENCHMARK")
    for name, (module, summary) in BENCHMARKS.items():
        subparser = subparsers.add_parser(name, help=summary, description=summary)
        module.add_arguments(subparser)
        subparser.set_defaults(run_benchmark=module.run)


def run(args: argparse.Namespace) -> int:
    """The exit status of the benchmark that was asked for."""
    return int(args.run_benchmark(args))
