"""Every command of ``denseba`` by name, and the module that runs it.

Each module has ``add_arguments(parser)`` and ``run(args) -> int``, which returns the exit status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """One line for ``--help``, and the ``module`` below denseba_ros.cli."""

    summary: str
    module: str


@dataclass(frozen=True)
class Group:
    """Commands that follow another word, such as ``denseba train depth``.

    ``placeholder`` stands for the name of one of them in ``--help``.
    """

    summary: str
    placeholder: str
    commands: Mapping[str, Command]


COMMANDS: Mapping[str, Command | Group] = {
    "run": Command("estimate the trajectory and depth of a recorded sequence", "run"),
    "evaluate": Command("compare a run with ground truth", "evaluate"),
    "demo": Command("send a camera through the ROS 2 nodes, and compare with ground truth", "demo"),
    "benchmark": Group(
        "time the system, its bundle adjustment, its solvers and its networks",
        "BENCHMARK",
        {
            "backend": Command(
                "time the bundle adjustment of one window, beside floors and other solvers",
                "benchmark.backend",
            ),
            "system": Command(
                "measure frames per second, stages and memory on a real sequence",
                "benchmark.system",
            ),
            "solvers": Command(
                "measure accuracy, time and gradients of the minimal solvers", "benchmark.solvers"
            ),
            "networks": Command(
                "time the depth and the pose network, one image at a time", "benchmark.networks"
            ),
            "recovery": Command(
                "measure how soon the place is found again after images that show nothing",
                "benchmark.recovery",
            ),
        },
    ),
    "train": Group(
        "train a network from recorded sequences",
        "NETWORK",
        {
            "depth": Command(
                "train the depth network, from stereo, RGB-D, video and the rendered room",
                "train.depth",
            ),
            "pose": Command(
                "train the pose network, from streams of images with known poses", "train.pose"
            ),
            "matching": Command(
                "train the weights of learned matches, through the five-point solver",
                "train.matching",
            ),
        },
    ),
    "doctor": Command("say what is wrong with this machine", "doctor"),
    "faults": Command("feed the node faults of cameras, clocks and processes, over DDS", "faults"),
    "replay": Command("publish a sequence or bag as camera topics", "replay"),
    "record": Command("write a node's outputs to files", "record"),
}


def all_commands() -> list[tuple[str, Command]]:
    """Every command with its full name, ``train depth`` for example."""
    found: list[tuple[str, Command]] = []
    for name, entry in COMMANDS.items():
        if isinstance(entry, Group):
            found += [(f"{name} {word}", command) for word, command in entry.commands.items()]
        else:
            found.append((name, entry))
    return found
