"""A node that spins in a thread of its own, for processes whose main thread does something else."""

from __future__ import annotations

import threading
from typing import Any

from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node


class SpinningNode(Node):
    """Callbacks run from ``spin`` until ``close``."""

    def __init__(self, name: str, **node_options: Any) -> None:
        super().__init__(name, **node_options)
        self._spinner = SingleThreadedExecutor()
        self._thread = threading.Thread(target=self._spinner.spin, daemon=True)

    def spin(self) -> None:
        """Begin to call back, once all that the callbacks need is there."""
        self._spinner.add_node(self)
        self._thread.start()

    def close(self) -> None:
        """Stop spinning and destroy the node."""
        self._spinner.shutdown()
        self._thread.join()
        self.destroy_node()
