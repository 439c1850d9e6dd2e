"""Entry points of the nodes. Imports nothing large before SIGINT has its meaning."""

from __future__ import annotations

import importlib
import signal
import sys
from typing import NoReturn

from denseba_ros.notices import show_notices

NODES = {
    "denseba_node": "DensebaNode",
    "frontend_node": "FrontendNode",
    "backend_node": "BackendNode",
}


def run(module: str) -> NoReturn:
    """Run one of ``NODES`` to its end and leave with its exit status.

    Loading takes seconds, the first time about a minute, in which SIGINT ends the process at once
    and without a traceback.
    """
    show_notices()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    node = getattr(importlib.import_module(f"denseba_ros.nodes.{module}"), NODES[module])
    from denseba_ros.nodes.base.running import run_node
    from denseba_ros.nodes.base.stopping import leave_now

    leave_now(run_node(node))


def denseba_node() -> NoReturn:
    """Entry point of ``ros2 run denseba_ros denseba_node``."""
    run("denseba_node")


def frontend_node() -> NoReturn:
    """Entry point of ``ros2 run denseba_ros frontend_node``."""
    run("frontend_node")


def backend_node() -> NoReturn:
    """Entry point of ``ros2 run denseba_ros backend_node``."""
    run("backend_node")


if __name__ == "__main__":
    # ``python -m denseba_ros.nodes.main NODE --ros-args ...``
    run(sys.argv[1])
