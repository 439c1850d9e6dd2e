"""The map beside the system of a node: when a session of it begins, and that it ends saved."""

from __future__ import annotations

import contextlib
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from denseba_ros.config import Config
from denseba_ros.errors import ConfigurationError, DensebaError, MapFileError
from denseba_ros.geometry import pose_step, sim3
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.global_map.map_session import MapSession
from denseba_ros.global_map.open_map import open_global_map
from denseba_ros.map_file.map_file import MapFile
from denseba_ros.map_file.map_reader import MapReader
from denseba_ros.matching.features import features_available
from denseba_ros.nodes.map.map_report import MapReport, correction_in_words
from denseba_ros.slam.state.estimate import Estimate
from denseba_ros.slam.state.map_correction import MapPose
from denseba_ros.slam.system import System

# Seconds between two steps of a save.
_STEP = 0.02


class Logger(Protocol):
    """What is needed of a ROS logger."""

    def info(self, message: str) -> object:
        """Log what happens."""
        ...

    def error(self, message: str) -> object:
        """Log what went wrong."""
        ...


OpenSession = Callable[[Config, System, Calibration, bool], MapSession | None]
_World = tuple[System, Calibration]


def open_session(
    config: Config, system: System, calibration: Calibration, is_live: bool
) -> MapSession | None:
    """A session of the map of ``config`` beside a ``system`` whose images, before they are
    rectified, have this ``calibration``; None where there can be none here.

    Raises:
        ConfigurationError, MapFileError: as ``open_global_map``.
    """
    with contextlib.suppress(ConfigurationError):  # a backend's frames are rectified already
        calibration = system.frontend.rectifier.calibration
    global_map = open_global_map(config, calibration, is_live)
    return None if global_map is None else MapSession(config.map, system, global_map)


class MapKeeper:
    """Begins a session with each world of the system, and ends the one before.

    ``lock`` is to be held while the system works on an image, and until ``follow`` has returned.
    ``save_beside`` and ``begin_anew`` are for a thread of their own, one call at a time: they hold
    it only for moments between two images, so that tracking goes on while they work. An error in
    the map is told and ends it; tracking goes on. ``problem`` says why there is no map though one
    is wanted, and ``loss`` what was not saved of sessions before; both are empty where all is well.
    """

    def __init__(
        self, config: Config, is_live: bool, logger: Logger, opener: OpenSession | None = None
    ) -> None:
        """``config`` with the path of the map's file as it is to be opened; ``opener`` of sessions,
        by default ``open_session``.

        Raises:
            ConfigurationError, MapFileError: when its file cannot be used.
        """
        check_map(config)
        self.lock = threading.RLock()
        self.problem = self.loss = ""
        self._config, self._is_live, self._logger = config, is_live, logger
        self._opener = opener or open_session
        self._session: MapSession | None = None
        self._world: _World | None = None
        self._T_world_camera = np.eye(4)
        self._last_correction = ""
        self._correction: np.ndarray | None = None
        # Without the package of the features a new map is odometry's world, as with map.mode off.
        self._is_odom_alone = False
        # The session that another thread is about to end, and whether the next is being opened.
        self._leaving: MapSession | None = None
        self._is_loading = self._is_closed = False
        self._idle = threading.Event()
        self._idle.set()

    @property
    def session(self) -> MapSession | None:
        """The one under way; what is done with it needs the ``lock``."""
        return self._session

    @property
    def config(self) -> Config:
        """What the session was begun with."""
        return self._config

    @property
    def is_written(self) -> bool:
        """Whether the map of the session goes to a file."""
        config = self._config.map
        if self._leaving is not None:
            return True
        return self._session is not None and config.mode == "mapping" and bool(config.file)

    def report(self) -> MapReport:
        """What is to be said of the map, for diagnostics; from any thread."""
        failure = self.problem or self.loss
        if self._is_loading:
            return MapReport.loading(self._config.map, failure)
        return MapReport.of(self._config.map, self._session, failure, self._last_correction)

    # -- with the lock, between two images -----------------------------------------------------

    def begin(self, system: System, calibration: Calibration) -> None:
        """A world of the system begins, of a camera with this ``calibration``."""
        self.end()
        self._world, self._T_world_camera = (system, calibration), np.eye(4)
        if self._config.map.mode == "off" or self._is_loading:
            return
        try:
            self._install(self._opener(self._config, system, calibration, self._is_live))
        except DensebaError as error:
            self._fail(f"there is no map: {error}")

    def end(self) -> None:
        """End the session; its map is written."""
        self._forget_state()
        if self._session is None:
            return
        try:
            self._session.global_map.save()  # finishing may take longer than the process is given
            self._session.finish()
        except Exception as error:
            self._lose(error)
        finally:
            self._let_go(self._session)

    def close(self, patience: float) -> None:
        """End the session for good; what another thread does with it is waited for, ``patience``
        seconds, and so is the image that is worked on."""
        self._is_closed = True
        self._idle.wait(patience)
        if self._session is not None and self.lock.acquire(timeout=patience):
            try:
                self.end()
            finally:
                self.lock.release()

    def save(self) -> None:
        """Write what is to be written; the session goes on."""
        if self._session is None:
            return
        try:
            self._session.global_map.save()
        except MapFileError as error:
            self._logger.error(f"the map is not saved: {error}")

    def locate(self, estimate: Estimate) -> MapPose | None:
        """Where an image is in the map as it is before ``follow``; None without a map."""
        self._T_world_camera = estimate.T_world_camera
        correction, self._correction = self._correction, None
        T_map_camera = self._T_map_camera()
        if T_map_camera is None:
            has_map = self._session is not None or bool(self.problem) or self._is_loading
            return MapPose(None) if has_map and not self._is_odom_alone else None
        if correction is not None:
            self._last_correction = correction_in_words(correction, T_map_camera)
        return MapPose(T_map_camera, correction)

    def follow(self, estimate: Estimate) -> None:
        """Take in what an image changed; to be called after what is urgent was published."""
        session = self._session
        if session is None:
            return
        was_joined = session.is_joined
        try:
            _, closure = session.follow(estimate)
        except Exception as error:
            self._let_go(session)
            self._fail(f"the map is given up: {_in_words(error)}")
            return
        if session.is_joined and not was_joined:
            self._logger.info("a place of the map was recognised: poses are in it from now on")
        elif closure is not None:
            self._correction = closure.correction

    def hint(self, T_map_camera: np.ndarray) -> bool:
        """Somebody says that the camera is at ``T_map_camera`` (4, 4) now; whether that is of use:
        there is a map, and no place of it was recognised yet."""
        if self._session is None or self._session.is_joined:
            return False
        self._session.global_map.hint(T_map_camera @ pose_step.inverse(self._T_world_camera))
        return True

    # -- beside tracking, without the lock -----------------------------------------------------

    def save_beside(self) -> int:
        """Write the map as it is; the number of keyframes in it then.

        Raises:
            MapFileError: when there is no map, or it cannot be written.
        """
        with self.lock:
            session = self._session
            if session is None:
                raise MapFileError(self.problem or "there is no map yet: no image has come")
            graph = session.global_map.graph
            earlier = sum(number < graph.first for number in graph.poses)
            count = earlier + len(session.keyframe_poses())
            is_saved, loss = session.global_map.ask_to_save(), self.loss
        while True:
            with self.lock:
                if self._session is not session:  # its end saved it
                    if self.problem or self.loss != loss:
                        raise MapFileError(self.problem or self.loss)
                    return count
                if is_saved():
                    return count
            time.sleep(_STEP)

    def begin_anew(self, config: Config) -> None:
        """End the session and begin one of the map of ``config``. Tracking goes on meanwhile; from
        the end of the one to the beginning of the other it has no map.

        Raises:
            ConfigurationError, MapFileError: when its file cannot be used, or when the session
                before could not be saved, which then goes on.
        """
        before = self._config.map
        if self._session is not None:
            self.save_beside()
        if config.map.file != before.file or self._session is None:
            check_map(config)
        self._idle.clear()
        try:
            with self.lock:
                world, hint = self._world, None
                if config.map.file == before.file and (T := self._T_map_camera()) is not None:
                    hint = T @ pose_step.inverse(self._T_world_camera)
                self._leaving, self._is_loading = self._leave(), True
                self._config = config
            self._complete_leaving()
            while not self._is_loaded(world, hint):
                world, hint = self._world, None  # a new one has begun meanwhile
        finally:
            self._is_loading = False
            self._idle.set()

    def _leave(self) -> MapSession | None:
        """Take the session off the system, with the lock; it is not ended yet."""
        self._forget_state()
        session, self._session = self._session, None
        if session is not None:
            session.leave()
        return session

    def _complete_leaving(self) -> None:
        """End the session that was taken off."""
        if self._leaving is None:
            return
        try:
            self._leaving.complete()
        except Exception as error:
            self._lose(error)
        finally:
            self._leaving.close()
            self._leaving = None

    def _is_loaded(self, world: _World | None, hint: np.ndarray | None) -> bool:
        """Open the map of the configuration and begin its session between two images; False where
        there is another ``world`` by then. ``hint``: how that lies in the map (4, 4)."""
        if world is None or self._config.map.mode == "off":
            with self.lock:
                self._is_loading = self._world is not world
                return not self._is_loading  # the first image begins the session
        try:
            session = self._opener(self._config, *world, self._is_live)
        except Exception as error:
            with self.lock:
                self._is_loading = False
                self._fail(f"there is no map: {_in_words(error)}")
            raise MapFileError(self.problem) from error
        with self.lock:
            if session is not None and (self._is_closed or self._world is not world):
                self._let_go(session)
            if self._is_closed:
                raise MapFileError("the node is ending")
            if self._world is not world:
                return False
            self._install(session)
            self._is_loading = False
            if self.problem:
                raise MapFileError(self.problem)
            if hint is not None and self._session is not None:
                self._session.global_map.hint(hint)
            return True

    # ------------------------------------------------------------------------------------------

    def _install(self, session: MapSession | None) -> None:
        """A session begins."""
        self._session = session
        if session is None:
            self.problem = "there is no map: it needs pip install 'denseba_ros[matching]'"
            self._is_odom_alone = True

    def _forget_state(self) -> None:
        """What is told of the present session is over."""
        self.problem = self._last_correction = ""
        self._correction, self._is_odom_alone = None, False

    def _lose(self, error: Exception) -> None:
        self.loss = f"a map could not be saved whole: {_in_words(error)}"
        self._logger.error(self.loss)

    def _T_map_camera(self) -> np.ndarray | None:
        """Where the newest image is in the map, None where that is not known."""
        session = self._session
        if session is None or not session.is_joined:
            return None
        return sim3.rigid(session.global_map.graph.S_map_world @ self._T_world_camera)

    def _let_go(self, session: MapSession) -> None:
        """Close the file, and let the system forget what leaves its window."""
        self._session = None
        session.close()
        if self._world is not None:
            history = self._world[0].history
            history.is_kept = False
            history.take()

    def _fail(self, problem: str) -> None:
        self.problem = problem
        self._logger.error(problem)


def check_map(config: Config) -> None:
    """See whether the map of ``config`` can be used, as far as that is known without a camera; one
    that is to be written is made where it is missing.

    Raises:
        ConfigurationError: without the package of the features where a file is named.
        MapFileError: when the file is missing (for localisation), damaged, of a newer version, not
            to be written, or written by another process.
    """
    if config.map.mode == "off" or not config.map.file:
        return
    if not features_available():
        raise ConfigurationError("map.file: a map needs pip install 'denseba_ros[matching]'")
    path = Path(config.map.file)
    with MapReader(path) if config.map.mode == "localisation" else MapFile(path):
        pass


def _in_words(error: Exception) -> str:
    """The message of an error that people can do something about, the traceback of a bug."""
    if isinstance(error, DensebaError):
        return str(error)
    return "".join(traceback.format_exception(error))
