"""The services ~/save_map, ~/load_map and ~/localise, and the topic `initialpose`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from geometry_msgs.msg import PoseWithCovarianceStamped
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool, Trigger

from denseba_ros.errors import ConfigurationError, DensebaError, MapFileError, TrajectoryError
from denseba_ros.geometry.body_frame import CameraMount
from denseba_ros.nodes.base.throttled_logger import ThrottledLogger
from denseba_ros.nodes.conversions.frame_names import frame_name
from denseba_ros.nodes.conversions.poses import pose_from_msg
from denseba_ros.nodes.map.map_keeper import MapKeeper
from denseba_ros.nodes.outputs.diagnostics import UNLOCALISED
from denseba_ros.nodes.parameters.map_path import with_confined_map
from denseba_ros.nodes.parameters.ros_parameters import declared_models

_MODE = "map.mode"


class MapServices:
    """Offers the services on ``node``; ``keeper`` gives that of its map, None while unconfigured.

    A service waits for the image that is worked on, and the node for the service.
    """

    def __init__(self, node: Node, keeper: Callable[[], MapKeeper | None]) -> None:
        self._node, self._keeper = node, keeper
        node.create_service(Trigger, "~/save_map", self._answer(self._save))
        node.create_service(Trigger, "~/load_map", self._answer(self._load))
        node.create_service(SetBool, "~/localise", self._localise)

    def _answer(self, act: Callable[[MapKeeper], str]) -> Callable[[Any, Any], Any]:
        """A callback that says what ``act`` returns, or why it failed."""

        def callback(_: Any, response: Any) -> Any:
            keeper = self._keeper()
            try:
                if keeper is None:
                    raise ConfigurationError("the node is not configured")
                with keeper.lock:
                    response.message = act(keeper)
                response.success = True
            except DensebaError as error:
                response.success, response.message = False, str(error)
                self._node.get_logger().error(f"map: {error}")
            return response

        return callback

    def _save(self, keeper: MapKeeper) -> str:
        config = keeper.config.map
        if config.mode != "mapping" or not config.file:
            raise ConfigurationError("there is nothing to save: map.mode is not mapping in a file")
        if keeper.session is None:
            raise MapFileError(keeper.problem or "there is no map yet: no image has come")
        keeper.session.global_map.save()
        graph = keeper.session.global_map.graph
        earlier = sum(number < graph.first for number in graph.poses)
        return f"{earlier + len(keeper.session.keyframe_poses())} keyframes are in {config.file}"

    def _load(self, keeper: MapKeeper) -> str:
        config, settings = declared_models(self._node)
        keeper.begin_anew(with_confined_map(config, settings))
        said = keeper.config.map
        if said.mode == "off":
            return "off"
        if keeper.session is None:
            return f"{said.mode} begins with the first image"
        known = len(keeper.session.global_map.graph.poses)
        state = "" if keeper.session.is_joined else f", {UNLOCALISED}"
        return f"{said.mode} in {said.file or 'a new map'} with {known} keyframes{state}"

    def _localise(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        before = self._node.get_parameter(_MODE).value
        result = self._set_mode("localisation" if request.data else "mapping")
        if not result.successful:
            response.success, response.message = False, result.reason
            return response
        response = self._answer(self._load)(request, response)
        if not response.success:
            self._set_mode(before)
        return response

    def _set_mode(self, mode: str) -> Any:
        (result,) = self._node.set_parameters([Parameter(_MODE, value=mode)])
        return result


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
