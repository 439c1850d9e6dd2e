"""What a configured node does with images: the interface between the nodes and their base."""

from __future__ import annotations

from typing import Protocol, TypeVar

from denseba_ros.config import Config
from denseba_ros.nodes.parameters.node_config import NodeConfig


class Stamped(Protocol):
    """Anything that waits in the queue."""

    @property
    def stamp_ns(self) -> int:
        """Time of the image in nanoseconds."""
        ...


ItemT = TypeVar("ItemT", bound=Stamped)
InT = TypeVar("InT", bound=Stamped, contravariant=True)


class MissingInputError(Exception):
    """Raised by ``ImageProcessor.process``: the image is fine, but something else is missing.

    The text is the reason that `status` and the diagnostics name.
    """


class ImageProcessor(Protocol[InT]):
    """Exists from configure to cleanup.

    ``process``, ``reset`` and ``coast`` run in the worker's thread, the rest in the executor's.
    """

    def subscribe(self) -> None:
        """Create the subscriptions: from now on items come. Called at each activation."""

    def unsubscribe(self) -> None:
        """Wait for no message any more: the subscriptions go, and the worker shall end.

        Called at each deactivation and with the end of the process, while the worker still works.
        """

    def is_ready(self) -> bool:
        """Whether all that processing needs is there; until then items wait in the queue."""
        ...

    def process(self, item: InT) -> None:
        """Process one item and publish the result.

        Raises:
            MissingInputError: when something that it needs is missing.
            ImageError, CalibrationError, TrajectoryError: when the item is unusable.
        """

    def reset(self) -> None:
        """Forget the map and the trajectory: the next item begins a new odometry frame."""

    def coast(self, stamp_ns: int) -> None:
        """An item that was unusable: publish where the motion so far leads."""

    def reconfigure(self, config: Config, settings: NodeConfig) -> None:
        """Take over changed parameters; only live ones differ."""

    @property
    def must_save(self) -> bool:
        """Whether ``close`` writes something that would be lost without."""
        ...

    def save(self) -> None:
        """Write what is to outlive the process; called at each deactivation, when no item comes."""

    def watch(self) -> None:
        """Warn about missing inputs; called once a second while active."""

    def close(self) -> None:
        """Called at cleanup and with the end of the process, when no item comes any more."""
