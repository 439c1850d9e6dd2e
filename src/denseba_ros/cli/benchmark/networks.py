"""``denseba benchmark networks``: the depth and the pose network, one image at a time."""

from __future__ import annotations

import argparse

from denseba_ros.benchmark.system.networks import network_table, run_networks
from denseba_ros.cli.benchmark.options import add_timing_options, check_counts, write_json
from denseba_ros.cli.exit_status import DONE
from denseba_ros.config import FrontendConfig
from denseba_ros.device import pick_device
from denseba_ros.evaluation.results.run_statistics import describe_machine, machine_summary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba benchmark networks``."""
    add_timing_options(parser, repeat=50)
    for name in ("depth", "pose"):
        parser.add_argument(
            f"--{name}-model",
            default="network",
            metavar="MODEL",
            help=f"as the parameter frontend.{name}_model",
        )


def run(args: argparse.Namespace) -> int:
    """Print the table, and write JSON where asked for.

    Raises:
        ConfigurationError: on a device or weights that are not there, or no repetition.
    """
    check_counts(args, "repeat")
    device = pick_device(args.device)
    config = FrontendConfig(depth_model=args.depth_model, pose_model=args.pose_model)
    results = run_networks(config, device, args.repeat)
    machine = machine_summary(device)
    print(network_table(results, describe_machine(machine)))
    write_json(args, {"machine": machine, "networks": [result.as_json() for result in results]})
    return DONE
