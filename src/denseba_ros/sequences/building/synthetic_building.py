"""A rendered building as a sequence: images, exact depth and exact poses."""

from __future__ import annotations

import numpy as np

from denseba_ros.errors import SequenceError
from denseba_ros.sequences.building.building_renderer import building_renderer
from denseba_ros.sequences.building.routes import ROUTES, route
from denseba_ros.sequences.building.walk import Walk
from denseba_ros.sequences.rendering.rendered_sequence import Camera, RenderedSequence


class BuildingSequence(RenderedSequence):
    """Frames of a walk through four rooms and the corridors between them, always the same.

    Args:
        trajectory: one of ROUTES.
        frames: number of frames at most; without it all of the walk.
        width, height: image size in pixels.
        noise: standard deviation of the pixel noise, grey levels.
        brightness: gain and offset drift as with automatic exposure.
        seed: of furniture, surfaces, sway and noise.
        rate: frames per second.
        speed: of the camera, metres per second.

    Raises:
        SequenceError: on an unknown trajectory or a number out of range.
    """

    def __init__(
        self,
        trajectory: str = "loop",
        frames: int | None = None,
        width: int = 480,
        height: int = 360,
        noise: float = 2.0,
        brightness: bool = True,
        seed: int = 0,
        rate: float = 12.5,
        speed: float = 0.9,
    ) -> None:
        if trajectory not in ROUTES:
            raise SequenceError(f"unknown trajectory {trajectory!r}; known: {ROUTES}")
        if (frames is not None and frames < 1) or not rate > 0.0 or seed < 0:
            raise SequenceError(f"cannot render {frames} frames at {rate} Hz with seed {seed}")
        if not 0.1 <= speed <= 5.0:
            raise SequenceError(f"a speed of {speed} m/s is not between 0.1 and 5 m/s")
        # Sessions share surfaces, but neither sway nor noise.
        number = ROUTES.index(trajectory)
        self.walk = Walk(route(trajectory), speed, (seed, 1, number))
        whole = int(self.walk.seconds * rate) + 1
        seconds = np.arange(whole if frames is None else min(frames, whole)) / rate
        super().__init__(
            f"building_{trajectory}",
            Camera(width, height, noise, brightness),
            seconds,
            self.walk.poses,
            lambda: building_renderer(seed, trajectory == "twins"),
            len(ROUTES) * seed + number,
        )
