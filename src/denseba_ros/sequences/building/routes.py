"""Ways through the building: polylines on the floor plan.

| route | way |
|---|---|
| loop | from room 0 once around through all rooms, then room 0 again and into the first corridor |
| twins | the same, in the building whose rooms 1 and 3 look the same |
| there_and_back | rooms 0, 1, 2, around the table there, and back through 1 to 0 |
| session_a | rooms 0, 1, 2 |
| session_b | rooms 2, 3 and the corridor behind: shares room 2 with session_a, same direction |

The camera looks where it goes. So there_and_back sees each place of its way back in the opposite
direction of the way there.
"""

from __future__ import annotations

import numpy as np

from denseba_ros.sequences.building.floor_plan import (
    ROOMS,
    T_building_corridor,
    T_building_room,
)

# In a room's coordinates, metres: from the west door around the table to the north door,
_THROUGH = ((-3.0, 0.0), (-1.8, 0.0), (-1.4, -1.5), (1.5, -1.5), (1.7, 0.8), (0.0, 1.7), (0.0, 3.0))
# and from the west door once around the table and out again.
_AROUND = (*_THROUGH[:4], (1.7, 1.5), (-1.2, 1.6), (-1.8, 0.0), (-3.0, 0.0))
# Metres into a corridor where a route ends in one.
_INTO_CORRIDOR = 4.0


def _room(number: int, points: tuple[tuple[float, float], ...] = _THROUGH) -> np.ndarray:
    return _moved(T_building_room(number % ROOMS), points)


def _moved(T_building_part: np.ndarray, points: tuple[tuple[float, float], ...]) -> np.ndarray:
    moved: np.ndarray = np.array(points) @ T_building_part[:2, :2].T + T_building_part[:2, 3]
    return moved


def _loop() -> np.ndarray:
    end = _moved(T_building_corridor(0), ((_INTO_CORRIDOR, 0.0),))
    around = [_room(number) for number in range(1, ROOMS + 1)]
    return np.concatenate([_room(0, _THROUGH[2:]), *around, end])


def _there_and_back() -> np.ndarray:
    there = np.concatenate([_room(0, _THROUGH[2:]), _room(1)])
    return np.concatenate([there, _room(2, _AROUND), there[::-1]])


def _session_a() -> np.ndarray:
    return np.concatenate([_room(0, _THROUGH[2:]), _room(1), _room(2, _THROUGH[:-1])])


def _session_b() -> np.ndarray:
    end = _moved(T_building_corridor(ROOMS - 1), ((_INTO_CORRIDOR, 0.0),))
    return np.concatenate([_room(2, _THROUGH[1:]), _room(3), end])


_ROUTES = {
    "loop": _loop,
    "twins": _loop,
    "there_and_back": _there_and_back,
    "session_a": _session_a,
    "session_b": _session_b,
}
ROUTES = tuple(_ROUTES)


def route(name: str) -> np.ndarray:
    """Corners (N, 2) of the way, metres in building coordinates.

    Raises:
        KeyError: when ``name`` is none of ROUTES.
    """
    return _ROUTES[name]()
