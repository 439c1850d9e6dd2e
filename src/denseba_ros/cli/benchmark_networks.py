"""``denseba benchmark networks``: the depth and the pose network, one image at a time."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from denseba_ros.benchmark.system.networks import network_table, run_networks
from denseba_ros.config import FrontendConfig
from denseba_ros.device import pick_device
from denseba_ros.errors import ConfigurationError
from denseba_ros.evaluation.results.run_statistics import describe_machine, machine_summary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba benchmark networks``."""
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all numbers here")
    parser.add_argument("--repeat", type=int, default=50, help="repetitions of each timing")
    parser.add_argument("--depth-model", default="network", help="as frontend.depth_model")
    parser.add_argument("--pose-model", default="network", help="as frontend.pose_model")


def run(args: argparse.Namespace) -> int:
    """Print the table, and write JSON where asked for.

    Raises:
        ConfigurationError: on a device or weights that are not there, or no repetition.
    """
    if args.repeat < 1:
        raise ConfigurationError(f"--repeat {args.repeat}: at least 1")
    device = pick_device(args.device)
    config = FrontendConfig(depth_model=args.depth_model, pose_model=args.pose_model)
    results = run_networks(config, device, args.repeat)
    machine = machine_summary(device)
    print(network_table(results, describe_machine(machine)))
    if args.json is not None:
        everything = {"machine": machine, "networks": [result.as_json() for result in results]}
        args.json.write_text(json.dumps(everything, indent=2) + "\n")
    return 0
