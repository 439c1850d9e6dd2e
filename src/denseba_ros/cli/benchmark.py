"""``denseba benchmark``: how fast this machine runs the backend or the whole system."""

from __future__ import annotations

import argparse

from denseba_ros.cli import (
    benchmark_backend,
    benchmark_networks,
    benchmark_recovery,
    benchmark_solvers,
    benchmark_system,
)
from denseba_ros.cli.subcommands import add_group, run_one

BENCHMARKS = {
    "backend": (benchmark_backend, "two iterations on one window, floors and other solvers"),
    "system": (benchmark_system, "frames per second, stages and memory on a real sequence"),
    "solvers": (benchmark_solvers, "minimal solvers: accuracy, time, and three gradients"),
    "networks": (benchmark_networks, "the depth and the pose network, one image at a time"),
    "recovery": (benchmark_recovery, "the place found again after images that show nothing"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add one subcommand for each benchmark."""
    add_group(parser, "benchmark", BENCHMARKS)


run = run_one
