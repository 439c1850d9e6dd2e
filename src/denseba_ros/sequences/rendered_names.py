"""Rendered sequences by name: ``room``, ``building``, or one with its trajectory, as
``building:there_and_back``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from denseba_ros.errors import SequenceError
from denseba_ros.sequences.building.routes import ROUTES
from denseba_ros.sequences.building.synthetic_building import BuildingSequence
from denseba_ros.sequences.rendering.rendered_sequence import RenderedSequence
from denseba_ros.sequences.room.room_trajectory import TRAJECTORIES
from denseba_ros.sequences.room.synthetic_room import RoomSequence

_WORLDS: dict[str, tuple[Callable[[str], RenderedSequence], tuple[str, ...], str]] = {
    "room": (RoomSequence, TRAJECTORIES, "handheld"),
    "building": (BuildingSequence, ROUTES, "loop"),
}


def is_rendered_name(path: Path) -> bool:
    """Whether this is the name of a world and no file."""
    return str(path).partition(":")[0] in _WORLDS and not path.exists()


def rendered_sequence(name: str) -> RenderedSequence:
    """The sequence of that name, see above.

    Raises:
        SequenceError: when the world has no such trajectory.
    """
    world, colon, trajectory = name.partition(":")
    make, trajectories, usual = _WORLDS[world]
    if colon and trajectory not in trajectories:
        raise SequenceError(f"{name}: {world} has the trajectories {', '.join(trajectories)}")
    return make(trajectory or usual)
