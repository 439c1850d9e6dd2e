"""Makes the map of a system, from its configuration."""

from __future__ import annotations

from denseba_ros.backend.problem import Noise
from denseba_ros.config import Config
from denseba_ros.device import pick_device
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.global_map.global_map import GlobalMap
from denseba_ros.global_map.keyframe_store import KeyframeStore
from denseba_ros.global_map.loop_search import LoopSearch
from denseba_ros.place_recognition.place_describer import make_vlad
from denseba_ros.place_recognition.place_index import PlaceIndex
from denseba_ros.slam.components import TRACK_LEVELS
from denseba_ros.slam.tracking.relocalisation import make_feature_matcher
from denseba_ros.slam.tracking.tracker import Tracker


def make_global_map(config: Config, calibration: Calibration, is_live: bool) -> GlobalMap | None:
    """The map beside a system whose rectified images have this ``calibration``; None, with a
    warning, without the package of the features.

    Raises:
        ConfigurationError: when weights are missing from the installation.
    """
    device = pick_device(config.device)
    vlad = make_vlad()
    if vlad is None:
        return None
    noise = Noise(config.backend.intensity_noise, pixel=config.backend.pixel_noise)
    camera = Pinhole.from_calibration(calibration)
    search = LoopSearch(
        KeyframeStore(device),
        make_feature_matcher(device, config.seed),
        vlad,
        PlaceIndex(vlad.size),
        Tracker(camera, TRACK_LEVELS, config.tracker.iterations, noise),
    )
    return GlobalMap(search, config.frontend.scale_drift, is_live)
