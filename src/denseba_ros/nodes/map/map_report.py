"""What diagnostics and status say of the map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from denseba_ros.config import MapConfig
from denseba_ros.geometry import sim3
from denseba_ros.global_map.map_session import MapSession
from denseba_ros.nodes.outputs.diagnostics import UNLOCALISED
from denseba_ros.slam.state.rigid_motion import difference


@dataclass(frozen=True)
class MapReport:
    """``problem`` is what needs somebody's attention, empty where nothing does; ``values`` keys and
    values for the diagnostics."""

    problem: str
    values: dict[str, str]

    @classmethod
    def of(
        cls, config: MapConfig, session: MapSession | None, failure: str, last_correction: str
    ) -> MapReport:
        """Of the map of a node; ``failure``: why there is none though one is wanted, or what went
        wrong at the end of the session before."""
        if config.mode == "off":
            return cls("", {"map": "off"})
        if session is None:
            state = "none" if failure else "begins with the first image"
            values = {"map": state, "map file": config.file, "map problem": failure}
            return cls(failure, values)
        problem = session.global_map.problem or failure
        state = config.mode if session.is_joined else f"{config.mode}, {UNLOCALISED}"
        values = {"map": state, "map file": config.file, "map problem": problem}
        return cls(
            problem or ("" if session.is_joined else f"{UNLOCALISED} in the map"),
            {**values, **_counts(session), "map, last correction": last_correction},
        )

    @classmethod
    def loading(cls, config: MapConfig, failure: str) -> MapReport:
        """Of a map that is being opened; ``failure`` as in ``of``."""
        values = {"map": "is being loaded", "map file": config.file, "map problem": failure}
        return cls(failure, values)


def _counts(session: MapSession) -> dict[str, str]:
    global_map = session.global_map
    counts = dict(global_map.counts)
    tried, accepted = counts.pop("places tried", 0), counts.pop("accepted", 0)
    return {
        "map keyframes": str(len(global_map.graph.poses)),
        "map places tried": str(tried),
        "map loops closed": str(len(global_map.closures)),
        "map pairs accepted": str(accepted),
        **{f"map: {reason}": str(count) for reason, count in sorted(counts.items())},
    }


def correction_in_words(correction: np.ndarray, T_map_camera: np.ndarray) -> str:
    """By how much a ``correction`` (4, 4), a similarity, moved the camera to where it is now."""
    scale = float(sim3.scale(correction))
    before = sim3.rigid(sim3.inverse(correction) @ T_map_camera)
    moved = difference(T_map_camera, before)
    metres, degrees = np.linalg.norm(moved[:3]), np.degrees(np.linalg.norm(moved[3:]))
    return f"{metres:.3f} m, {degrees:.2f} degrees, scale {scale:.4f}"
