"""The three states of the system, each with what it needs and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from denseba_ros.slam.initialisation.map_initialisation import MapInitialiser
from denseba_ros.slam.mapping.local_map import LocalMap
from denseba_ros.slam.mapping.local_mapper import LocalMapper
from denseba_ros.slam.mapping.local_mapping import MapUpdate
from denseba_ros.slam.tracking.keyframe_tracker import KeyframeTracker


@dataclass(frozen=True)
class InitialisingState:
    """There is no map yet.

    ``is_after_lost``: a map was dropped before; its last pose and scale are taken over, and images
    are also relocalised against its keyframes.
    """

    initialiser: MapInitialiser
    is_after_lost: bool = False


@dataclass(frozen=True)
class MapState:
    """There is a map; images are tracked against ``tracker.keyframe``: the newest of ``local_map``,
    or the one by which ``mapper`` is ahead of it. ``initialiser``: the map is the depth model's
    alone, and two views are still to refine it. ``is_confirmed``: an image was tracked against it.
    """

    mapper: LocalMapper
    local_map: LocalMap
    tracker: KeyframeTracker
    initialiser: MapInitialiser | None
    is_confirmed: bool

    def tracked(self, initialiser: MapInitialiser | None) -> TrackingState:
        """The state after an image was tracked."""
        return TrackingState(self.mapper, self.local_map, self.tracker, initialiser, True)

    def updated(self, update: MapUpdate) -> TrackingState:
        """The state after the map took a keyframe in, or another map took its place."""
        return TrackingState(
            update.mapper, update.local_map, update.tracker, self.initialiser, self.is_confirmed
        )

    def lost(self, images: int) -> LostState:
        """The state after so many ``images`` in a row were not tracked."""
        return LostState(
            self.mapper, self.local_map, self.tracker, self.initialiser, self.is_confirmed, images
        )


@dataclass(frozen=True)
class TrackingState(MapState):
    """The last image was tracked, or is the map's first."""


@dataclass(frozen=True)
class LostState(MapState):
    """The last ``images`` images did not fit the local map, which is kept for a while."""

    images: int = 1


SystemState = InitialisingState | MapState
