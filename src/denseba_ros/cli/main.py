"""The ``denseba`` command: finds the module of a subcommand and runs it.

Each module of ``COMMANDS`` has ``add_arguments(parser)`` and ``run(args) -> int``. Only the one
that is asked for is imported: some need torch, some need ROS 2, and ``--help`` needs neither.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from denseba_ros.errors import DensebaError

COMMANDS = {
    "run": "estimate the trajectory and depth of a recorded sequence",
    "evaluate": "compare a run with ground truth",
    "demo": "a camera stream through the ROS 2 nodes, compared with ground truth",
    "benchmark": "time the backend against physical floors and other solvers",
    "train": "train a network from recorded sequences",
    "doctor": "say what is wrong with this machine",
    "faults": "feed the node faults of cameras, clocks and processes, over DDS",
    "replay": "publish a sequence or bag as camera topics",
    "record": "write a node's outputs to files",
}
INTERRUPTED = 130
NEED_ROS = "source its setup.bash, or pip install 'denseba_ros[ros]'"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns its exit status, 2 on an error that the user can mend."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    name = next((word for word in arguments if not word.startswith("-")), None)
    try:
        parser = _parser(name if name in COMMANDS else None)
        args = parser.parse_args(_without_ros_arguments(arguments))
        return int(args.run(args))
    except DensebaError as error:
        print(f"denseba {name}: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if not _belongs_to_ros(error.name or ""):
            raise
        print(f"denseba {name}: ROS 2 is not here ({error}); {NEED_ROS}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED


def replay_node() -> int:
    """``denseba replay`` as an executable that ``ros2 run`` and ``ros2 launch`` can start."""
    return main(["replay", *sys.argv[1:]])


def _belongs_to_ros(module: str) -> bool:
    package = module.partition(".")[0]
    return package == "rclpy" or package.endswith(("_msgs", "_srvs", "_interfaces"))


def _without_ros_arguments(arguments: list[str]) -> list[str]:
    """Drop ``--ros-args ... [--]``: rclpy.init reads those from sys.argv by itself."""
    kept: list[str] = []
    in_ros = False
    for word in arguments:
        if word == "--ros-args":
            in_ros = True
        elif in_ros and word == "--":
            in_ros = False
        elif not in_ros:
            kept.append(word)
    return kept


def _parser(loaded: str | None) -> argparse.ArgumentParser:
    """All subcommands by name, with the options of ``loaded`` only."""
    parser = argparse.ArgumentParser(prog="denseba", description="Dense monocular visual SLAM.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=summary, description=summary)
        if name == loaded:
            module = importlib.import_module(f"denseba_ros.cli.{name}")
            module.add_arguments(subparser)
            subparser.set_defaults(run=module.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
