"""The services ~/save_map, ~/load_map and ~/localise, and the topic `initialpose`."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from geometry_msgs.msg import PoseWithCovarianceStamped
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool, Trigger

from denseba_ros.config import Config
from denseba_ros.errors import ConfigurationError, DensebaError, MapFileError, TrajectoryError
from denseba_ros.geometry.body_frame import CameraMount
from denseba_ros.nodes.base.late_answer import answer_late
from denseba_ros.nodes.base.throttled_logger import ThrottledLogger
from denseba_ros.nodes.conversions.frame_names import frame_name
from denseba_ros.nodes.conversions.poses import pose_from_msg
from denseba_ros.nodes.map.map_keeper import MapKeeper
from denseba_ros.nodes.outputs.diagnostics import UNLOCALISED
from denseba_ros.nodes.parameters.map_path import with_confined_map
from denseba_ros.nodes.parameters.ros_parameters import declared_models

_MODE = "map.mode"
# Does what a service is for, and says what came of it.
Work = Callable[[], str]


class MapServices:
    """Offers the services on ``node``; ``keeper`` gives that of its map, None while unconfigured.

    The work is done in a thread of its own, so that neither images nor tracking wait for it. While
    that is busy other calls are refused.
    """

    def __init__(self, node: Node, keeper: Callable[[], MapKeeper | None]) -> None:
        self._node, self._keeper = node, keeper
        self._thread = ThreadPoolExecutor(1, "denseba map services")
        self._work: Future[Any] | None = None
        self._working = ""
        for kind, name, prepare in (
            (Trigger, "save_map", self._prepare_save),
            (Trigger, "load_map", self._prepare_load),
            (SetBool, "localise", self._prepare_localise),
        ):
            answer_late(node.create_service(kind, f"~/{name}", self._callback(name, prepare)))

    def _callback(
        self, name: str, prepare: Callable[[MapKeeper, Any], Work]
    ) -> Callable[[Any, Any], Any]:
        """A callback that says at once why there is nothing to be done, or, when the work is done,
        what came of it."""

        def callback(request: Any, response: Any) -> Any:
            try:
                if self._work is not None and not self._work.done():
                    raise MapFileError(f"~/{self._working} is at work: try again when it is done")
                keeper = self._keeper()
                if keeper is None:
                    raise ConfigurationError("the node is not configured")
                work = prepare(keeper, request)
            except DensebaError as error:
                return self._failed(response, error)
            self._working = name
            self._work = self._thread.submit(self._answer, work, response)
            return self._work

        return callback

    def _answer(self, work: Work, response: Any) -> Any:
        try:
            response.success, response.message = True, work()
        except DensebaError as error:
            return self._failed(response, error)
        except Exception as error:  # nobody else would tell it
            trace = "".join(traceback.format_exception(error))
            return self._failed(response, DensebaError(f"internal error: {trace}"))
        return response

    def _failed(self, response: Any, error: DensebaError) -> Any:
        response.success, response.message = False, str(error)
        self._node.get_logger().error(f"map: {error}")
        return response

    def _prepare_save(self, keeper: MapKeeper, _: Trigger.Request) -> Work:
        config = keeper.config.map
        if config.mode != "mapping" or not config.file:
            raise ConfigurationError("there is nothing to save: map.mode is not mapping in a file")
        return lambda: f"{keeper.save_beside()} keyframes are in {config.file}"

    def _prepare_load(self, keeper: MapKeeper, _: Any) -> Work:
        config, settings = declared_models(self._node)
        return partial(_loaded, keeper, with_confined_map(config, settings))

    def _prepare_localise(self, keeper: MapKeeper, request: SetBool.Request) -> Work:
        before = self._node.get_parameter(_MODE).value
        result = self._set_mode("localisation" if request.data else "mapping")
        if not result.successful:
            raise ConfigurationError(result.reason)

        def work() -> str:
            try:
                return load()
            except BaseException:
                self._set_mode(before)
                raise

        try:
            load = self._prepare_load(keeper, request)
        except DensebaError:
            self._set_mode(before)
            raise
        return work

    def _set_mode(self, mode: str) -> Any:
        (result,) = self._node.set_parameters([Parameter(_MODE, value=mode)])
        return result


def _loaded(keeper: MapKeeper, config: Config) -> str:
    """Begin anew in the map of ``config``; what there is then."""
    keeper.begin_anew(config)
    if config.map.mode == "off":
        return "off"
    with keeper.lock:
        session = keeper.session
        if session is None:
            return f"{config.map.mode} begins with the first image"
        known = len(session.global_map.graph.poses)
        state = "" if session.is_joined else f", {UNLOCALISED}"
    return f"{config.map.mode} in {config.map.file or 'a new map'} with {known} keyframes{state}"


class PoseHint:
    """Subscribes to `initialpose`: where somebody says that the base is, in ``map_frame``.

    ``mount`` gives where the camera sits, None while that is not known.
    """

    def __init__(
        self,
        node: Node,
        keeper: MapKeeper,
        mount: Callable[[], CameraMount | None],
        map_frame: str,
        throttled: ThrottledLogger,
    ) -> None:
        self._node, self._keeper, self._mount = node, keeper, mount
        self._map_frame, self._throttled = map_frame, throttled
        node.create_subscription(PoseWithCovarianceStamped, "initialpose", self._on_pose_msg, 1)

    def _on_pose_msg(self, message: PoseWithCovarianceStamped) -> None:
        frame, mount = frame_name(message.header.frame_id), self._mount()
        if frame not in ("", self._map_frame):
            text = f"initialpose is in {frame} and not used: choose {self._map_frame} in RViz"
            self._throttled.warn("initialpose", text)
            return
        if mount is None:
            self._throttled.warn("initialpose", "initialpose came before the first image")
            return
        try:
            T_map_camera = mount.T_world_camera(pose_from_msg(message.pose.pose))
        except TrajectoryError as error:
            self._throttled.warn("initialpose", f"initialpose is not used: {error}")
            return
        with self._keeper.lock:
            is_used = self._keeper.hint(T_map_camera)
        if is_used:
            self._node.get_logger().info("initialpose: places near it are tried first")
        else:
            text = "initialpose is of no use: there is no map, or the place in it is known"
            self._throttled.warn("initialpose", text)
