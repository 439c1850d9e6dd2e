"""Makes the map of a system, from its configuration: a new one, or that of a file."""

from __future__ import annotations

from pathlib import Path

from denseba_ros.backend.problem import Noise
from denseba_ros.config import Config
from denseba_ros.device import pick_device
from denseba_ros.errors import ConfigurationError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.global_map.closing.keyframe_store import KeyframeStore
from denseba_ros.global_map.closing.loop_search import LoopSearch
from denseba_ros.global_map.global_map import GlobalMap
from denseba_ros.global_map.map_saver import MapSaver
from denseba_ros.global_map.saved_map import add_places, load_saved
from denseba_ros.map_file.map_file import MapFile
from denseba_ros.map_file.map_reader import MapReader
from denseba_ros.map_file.session import check_same_camera
from denseba_ros.place_recognition.place_describer import make_vlad
from denseba_ros.place_recognition.place_index import PlaceIndex
from denseba_ros.place_recognition.vlad import Vlad
from denseba_ros.slam.components import TRACK_LEVELS
from denseba_ros.slam.tracking.relocalisation import make_feature_matcher
from denseba_ros.slam.tracking.tracker import Tracker


def open_global_map(config: Config, calibration: Calibration, is_live: bool) -> GlobalMap | None:
    """The map beside a system whose rectified images have this ``calibration``; None where
    ``map.mode`` is off (it must be resolved), and, with a warning, without the package of the
    features.

    Raises:
        ConfigurationError: when weights are missing from the installation, or without the package
            of the features where a file was named.
        MapFileError: when the file cannot be used: missing (for localisation), damaged, of another
            camera or version, or written by another process.
    """
    if config.map.mode == "off":
        return None
    vlad = make_vlad()
    if vlad is None:
        if config.map.file:
            raise ConfigurationError(
                f"{config.map.file}: a map needs pip install 'denseba_ros[matching]'"
            )
        return None
    is_fixed, file = config.map.mode == "localisation", _open_file(config)
    try:
        return _open(config, calibration, is_live, vlad, file, is_fixed)
    except BaseException:
        if file is not None:
            file.close()
        raise


def _open_file(config: Config) -> MapFile | MapReader | None:
    if not config.map.file:
        return None
    path = Path(config.map.file)
    return MapReader(path) if config.map.mode == "localisation" else MapFile(path)


def _open(
    config: Config,
    calibration: Calibration,
    is_live: bool,
    vlad: Vlad,
    file: MapFile | MapReader | None,
    is_fixed: bool,
) -> GlobalMap:
    device = pick_device(config.device)
    index = PlaceIndex(vlad.size)
    saved, session, saver = None, 0, None
    if file is not None:
        if (of_map := file.calibration()) is not None:
            check_same_camera(of_map, calibration)
        saved = load_saved(file)
        add_places(index, file, saved)
        session = 1 + max((one.number for one in file.sessions()), default=-1)
    if isinstance(file, MapFile):
        session = file.begin_session(calibration, config.model_dump_json())
        saver = MapSaver(file, is_live)
    load = None if file is None else file.load_keyframe
    noise = Noise(config.backend.intensity_noise, pixel=config.backend.pixel_noise)
    search = LoopSearch(
        KeyframeStore(device, config.map.max_keyframes_in_memory, load),
        make_feature_matcher(device, config.seed),
        vlad,
        index,
        Tracker(
            Pinhole.from_calibration(calibration), TRACK_LEVELS, config.tracker.iterations, noise
        ),
    )
    return GlobalMap(
        search, config.frontend.scale_drift, is_live, saved, session, saver, is_fixed, file
    )
