"""What a node needs of its image subscription, whatever the messages are."""

from __future__ import annotations

from typing import Protocol


class ImageInput(Protocol):
    """The subscriptions that bring images, between activation and deactivation."""

    @property
    def is_ready(self) -> bool:
        """Whether what belongs to the images (their calibration) is there."""
        ...

    def watch(self, limit: float) -> None:
        """Warn about what has not come for ``limit`` s; to be called about once a second."""

    def close(self) -> None:
        """Let no thread wait for a message any more; the subscriptions go."""
