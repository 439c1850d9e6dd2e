"""What the system makes anew for each map and image, from settings that are chosen once."""

from __future__ import annotations

import math

from denseba_ros.backend.kernels.selection import choose_kernel
from denseba_ros.backend.problem import Noise
from denseba_ros.config import Config
from denseba_ros.device import pick_device
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.slam.inertial.imu_aiding import ImuAiding
from denseba_ros.slam.initialisation.map_initialisation import MapInitialiser
from denseba_ros.slam.initialisation.two_view_initialisation import TwoViewInitialiser
from denseba_ros.slam.mapping.local_mapper import LocalMapper
from denseba_ros.slam.scale.height_scale import CameraMount
from denseba_ros.slam.scale.scale_drift import ScaleDriftFilter
from denseba_ros.slam.tracking.relocalisation import make_relocaliser
from denseba_ros.slam.tracking.tracker import Tracker

TRACK_LEVELS = (3, 2, 1)


class Components:
    """Makes trackers, mappers and initialisers; ``config`` may be exchanged between images. ``imu``
    is what may sit beside the camera.

    Raises:
        ConfigurationError: when a model is missing, or the device is not there.
    """

    def __init__(self, config: Config) -> None:
        self.device = device = pick_device(config.device)
        self.config = config
        self.imu = ImuAiding(config.imu)
        self.relocaliser = make_relocaliser(config.tracker.relocalise, device, config.seed)
        self._noise = Noise(config.backend.intensity_noise, pixel=config.backend.pixel_noise)
        self._kernel = choose_kernel(config.backend.kernel, device)

    def tracker(self, camera: Pinhole) -> Tracker:
        """Direct alignment with the present settings."""
        return Tracker(camera, TRACK_LEVELS, self.config.tracker.iterations, self._noise)

    def mapper(self, camera: Pinhole) -> LocalMapper:
        """An empty local map."""
        inertial = self.imu.new_map()
        return LocalMapper(self.config, camera, self._noise, self._kernel, inertial)

    def scale_filter(self) -> ScaleDriftFilter:
        """Knows of no map yet."""
        frontend, mount = self.config.frontend, None
        if frontend.camera_height:
            mount = CameraMount(frontend.camera_height, math.radians(frontend.camera_tilt))
        return ScaleDriftFilter(frontend.scale_drift, mount)

    def initialiser(self, median_depth: float | None) -> MapInitialiser:
        """An initialiser without images; ``median_depth`` of the map before, None at first."""
        matcher = self.relocaliser.pairs if self.relocaliser is not None else None
        two_view = TwoViewInitialiser(self.config.tracker.features, matcher)
        return MapInitialiser(two_view, median_depth)
