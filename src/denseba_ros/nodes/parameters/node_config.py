"""The parameters under ``node.``: frames, topics and transport, which the core knows nothing of."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from denseba_ros.config import LIVE
from denseba_ros.errors import ConfigurationError
from denseba_ros.nodes.conversions.frame_names import frame_name
from denseba_ros.parameter_errors import in_words
from denseba_ros.parameter_yaml import parameters_from_yaml

_FRAMES = ("odom_frame", "map_frame", "base_frame", "camera_frame")


class NodeConfig(BaseModel):
    """What the ROS nodes do with the core's estimates."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    autostart: bool = True
    """Configure and activate when the process starts; else wait for a lifecycle manager."""
    model_folder: str = Field(default="", json_schema_extra={"fixed": True})
    """Weights that frontend.depth_model names as a file must lie below it; empty is the package's
    own models/. Holds from the start of the process to its end."""
    map_folder: str = Field(default="", json_schema_extra={"fixed": True})
    """Maps that map.file names must lie below it; empty is ~/.ros/denseba_maps. Holds from the
    start of the process to its end."""
    rerun: str = Field(default="off", min_length=1)
    """Live view of images, map, path and timings by rerun-sdk: off, view (a window on this machine)
    or a file NAME.rrd to write, which must lie below rerun_folder."""
    rerun_folder: str = Field(default="", json_schema_extra={"fixed": True})
    """Files that `rerun` names must lie below it; empty is ~/.ros/denseba. Holds from the start of
    the process to its end."""
    frame_prefix: str = Field(default="", pattern=r"^[A-Za-z0-9_/]*$")
    """Put before odom_frame, map_frame and base_frame: robots that share one TF tree."""
    odom_frame: str = Field(default="odom", min_length=1)
    """Frame of odometry; the base's frame at the first image, x forward, y left, z up."""
    map_frame: str = Field(default="map", min_length=1)
    """Frame above odom in the tree."""
    base_frame: str = Field(default="base_link", min_length=1)
    """Frame of the robot whose pose the odometry gives."""
    camera_frame: str = ""
    """Optical frame of the camera; empty takes frame_id of the images."""
    publish_odom_tf: bool = Field(default=True, json_schema_extra=LIVE)
    """Publish odom -> base on /tf. Switch off where a filter that fuses odometry does."""
    publish_map_tf: bool = Field(default=True, json_schema_extra=LIVE)
    """Publish map -> odom on /tf: the identity until a loop was closed (map.mode), or tracking was
    lost and came back elsewhere. Nothing while no place of the map in map.file was recognised."""
    publish_camera_tf: bool = True
    """Publish base -> camera, as `extrinsics` says, on /tf_static; not with extrinsics_from_tf."""
    invert_odom_tf: bool = Field(default=False, json_schema_extra=LIVE)
    """Publish base -> odom instead, where the tree has base as odom's parent."""
    invert_map_tf: bool = Field(default=False, json_schema_extra=LIVE)
    """Publish odom -> map instead of map -> odom."""
    invert_camera_tf: bool = False
    """Publish camera -> base instead of base -> camera."""
    extrinsics: tuple[float, float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    """Mounting frame of the camera (x: view) in the base: x, y, z (m), roll, pitch, yaw (rad)."""
    extrinsics_from_tf: bool = False
    """Take base -> camera from /tf and /tf_static; images wait until it is there."""
    image_transport: Literal["raw", "compressed"] = "raw"
    """Subscribe to `image` (raw) or `image/compressed`."""
    image_qos: Literal["sensor_data", "reliable"] = "sensor_data"
    """Reliability asked of the camera: sensor_data (best effort) also hears reliable cameras."""
    image_is_rectified: bool = False
    """The images are rectified already: use P of camera_info and no distortion. A topic that is
    named so (image_rect) is taken for rectified without it."""
    subscription_depth: int = Field(default=5, ge=1, le=1000)
    """Images that the middleware keeps until the node takes them."""
    depth_wait: float = Field(default=0.1, ge=0.0, le=5.0)
    """With frontend.depth_model "topic": seconds that an image waits for its depth at most."""
    mapping: Literal["live", "lockstep"] = "live"
    """live: keyframes are adjusted in a second thread, and tracking never waits for that. lockstep:
    each image waits, so that the same images give the same result, for replays."""
    queue_size: int = Field(default=10, ge=0, le=1000)
    """Images waiting for the tracker; the oldest is dropped and counted. 0 keeps every image."""
    max_wait: float = Field(default=0.1, ge=0.0, le=60.0)
    """Seconds after which an image that waits for the tracker is dropped and counted, where a newer
    one waits too and no longer gap between tracked images comes of it: at 30 Hz poses are late by
    little more than that. 0: it is kept. Not with queue_size 0 or in lockstep."""
    frozen_after: float = Field(default=1.0, ge=0.0, le=3600.0)
    """Seconds of identical pixels after which the camera counts as hanging and its images are
    dropped; 0: never, for simulators whose still camera has no noise."""
    lost_output: Literal["predict", "null"] = Field(default="predict", json_schema_extra=LIVE)
    """Odometry while lost: the predicted pose with a growing covariance, or rtabmap's null pose
    (all zero, covariance 9999, no TF)."""
    unknown_after: float = Field(default=2.0, ge=0.0, le=3600.0, json_schema_extra=LIVE)
    """Seconds of being lost after which odometry carries the covariance 1e6: unknown."""
    max_silence: float = Field(default=0.3, ge=0.0, le=60.0, json_schema_extra=LIVE)
    """Seconds without odometry after which that of a waiting image is predicted instead; 0: never.
    The estimate of that image then only corrects the next."""
    prediction_rate: float = Field(default=0.0, ge=0.0, le=200.0)
    """Publish odometry/predicted so often (Hz) between the images too, for autopilots; 0: not."""
    px4: bool = False
    """Publish px4_msgs/VehicleOdometry on fmu/in/vehicle_visual_odometry; needs px4_msgs."""
    path_max_length: int = Field(default=5000, ge=1, le=1_000_000)
    """Poses kept in `path`; the oldest go first."""
    depth_size: Literal["full", "half", "quarter"] = Field(
        default="quarter", json_schema_extra=LIVE
    )
    """Size of `depth/image` and `rectified/image`: that of the working image (as
    frontend.working_pixels says), half or a quarter of it each way. The depth is made at a quarter;
    finer ones are enlarged along the edges of the image."""
    publish_points: bool = Field(default=True, json_schema_extra=LIVE)
    """Publish the point cloud of each new keyframe."""
    map_correction_rate: float = Field(default=0.0, ge=0.0, le=100.0, json_schema_extra=LIVE)
    """Speed (m/s, rad/s) at which map -> odom takes the correction of a closed loop; 0: at once."""
    map_points: int = Field(default=200_000, ge=0, le=5_000_000)
    """Points in `map_points` at most, shared out among the keyframes of the map; 0: none."""
    input_timeout: float = Field(default=5.0, ge=0.5, le=3600.0, json_schema_extra=LIVE)
    """Seconds without images, camera_info or extrinsics before the node warns."""

    @field_validator("frame_prefix", *_FRAMES, mode="before")
    @classmethod
    def _without_leading_slash(cls, name: Any) -> Any:
        return frame_name(name) if isinstance(name, str) else name

    @property
    def odom(self) -> str:
        """Frame of odometry with its prefix."""
        return self.frame_prefix + self.odom_frame

    @property
    def map(self) -> str:
        """Frame above odom with its prefix."""
        return self.frame_prefix + self.map_frame

    @property
    def base(self) -> str:
        """Frame of the robot with its prefix."""
        return self.frame_prefix + self.base_frame

    @property
    def longest_wait(self) -> float:
        """Seconds after which an image that waits is dropped for a newer one; 0: never."""
        return self.max_wait if self.mapping == "live" and self.queue_size else 0.0

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> NodeConfig:
        """The parameters by their names without ``node.``; defaults where absent.

        Raises:
            ConfigurationError: with the name and the reason of every wrong value.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ConfigurationError(in_words(error, cls, "node.")) from error

    @classmethod
    def from_yaml(cls, path: Path) -> NodeConfig:
        """The section ``node`` of a ROS parameter file or of plain YAML; defaults where absent.

        Raises:
            ConfigurationError: when the file is missing, not YAML, or holds a wrong value.
        """
        try:
            return cls.from_dict(parameters_from_yaml(path).get("node") or {})
        except ConfigurationError as error:
            raise ConfigurationError(f"{path}: {error}") from error
