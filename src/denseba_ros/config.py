"""Every parameter of the core, with its unit, default and range; pydantic checks both."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    field_validator,
    model_validator,
)

from denseba_ros.errors import ConfigurationError
from denseba_ros.parameter_errors import in_words
from denseba_ros.parameter_yaml import parameters_from_yaml
from denseba_ros.sequences.brightness.image_range import AUTO, parse_image_range

TOPIC: Final = "topic"
"""The depth model that is a depth camera's images."""
LIVE: Final[dict[str, JsonValue]] = {"live": True}
"""Marks a field that may change between two images; any other holds from configure to cleanup."""


_IDENTITY: Final = tuple(float(v) for v in np.eye(4).ravel())


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class FrontendConfig(_Section):
    """Images, depth model and pose model."""

    working_pixels: int = Field(307_200, ge=19_200, le=2_100_000)
    """Larger images are reduced to about this many pixels; the aspect ratio stays."""
    image_range: str = AUTO
    """Values of 16-bit images that become black and white: auto takes them from the first images
    and holds them, a number is that of the significant bits (12), LOW,HIGH the values themselves
    ("7000,8200")."""
    depth_model: str = "network"
    """The depth model: "network" is the weights that come with denseba (for non-commercial use),
    "constant" a constant prior, else a .safetensors file of `denseba train depth`, an .onnx file,
    "hf:" and the folder or name of a depth model of Hugging Face's transformers, or "topic": the
    images of a depth camera, registered to the camera's images (`depth_in`, depth.txt, bags)."""
    depth_noise: float = Field(0.005, ge=0.0, le=1.0)
    """Of "topic": standard deviation of a measured depth over its square, 1/metre. About 0.002 for
    structured light, 0.005 for small stereo cameras, 0 for lidar and time of flight."""
    depth_units: float = Field(0.0, ge=0.0, le=1e6)
    """Of "topic": units of a metre in 16-bit depth; 0: 1000 (REP 118), in TUM folders 5000."""
    depth_tolerance: float = Field(0.02, ge=0.0, le=1.0)
    """Of "topic": largest difference of the stamps of an image and its depth, seconds."""
    depth_flip: bool = False
    """Average the network's depth over the image and its mirror image; costs twice the time."""
    depth_every: Literal["keyframe", "frame"] = Field("keyframe", json_schema_extra=LIVE)
    """Run the depth model for every keyframe, whose depth is rendered for the images after it, or
    for every frame: then each image has a depth of its own at the map's scale, complete, also of
    what moves, some time after its pose (in live mapping the newest image comes first)."""
    scale_drift: float = Field(0.03, ge=0.0, le=10.0)
    """Process noise of the scale filter: standard deviation of the change of the map's log scale
    while the camera travels the median depth, a random walk. A metric depth model corrects the
    drift, the faster the larger this is, and the better it knows this world; 0: no correction."""
    camera_height: float = Field(0.0, ge=0.0, le=1000.0)
    """Height of the camera over level ground, metres, where it stays the same, as on a car or a
    cart: the ground that the map shows then tells the metric scale. 0: not known."""
    camera_tilt: float = Field(0.0, ge=-60.0, le=90.0)
    """By how much the camera looks down, degrees, to 20 degrees; only for its height."""
    pose_model: str = "none"
    """What predicts the rotation to the next image: "none" is the last velocity, "network" the
    weights that come with denseba, else a .safetensors file of `denseba train pose`."""
    constant_depth: float = Field(2.0, gt=0.0)
    """Depth of the constant prior, metres; without a network it only sets the scale."""
    constant_sigma: float = Field(1.0, gt=0.0)
    """Standard deviation of the log of that depth."""

    @field_validator("image_range")
    @classmethod
    def _known_image_range(cls, text: str) -> str:
        try:
            parse_image_range(text)
        except ConfigurationError as error:
            raise ValueError(str(error)) from error
        return text


class TrackerConfig(_Section):
    """Tracking of every image against the newest keyframe, and relocalisation."""

    features: int = Field(400, ge=50, le=5000)
    """Corners per keyframe that optical flow tracks."""
    iterations: int = Field(8, ge=1, le=50, json_schema_extra=LIVE)
    """Levenberg-Marquardt iterations per pyramid level, at most."""
    relocalise: bool = True
    """When tracking is lost, relocalise against the last keyframes by learned matches, and use them
    in the two-view initialisation when optical flow fails; needs denseba_ros[matching], else only a
    warning."""


class KeyframeConfig(_Section):
    """Which images become keyframes."""

    max_flow: float = Field(0.05, gt=0.0, lt=1.0, json_schema_extra=LIVE)
    """A new keyframe when the mean flow since the last exceeds this share of the image width."""
    min_visible: float = Field(0.7, gt=0.0, lt=1.0, json_schema_extra=LIVE)
    """... or when fewer than this share of the last keyframe's points are still visible."""


class BackendConfig(_Section):
    """Bundle adjustment of the sliding window."""

    solver: Literal["schur", "lbfgs"] = "schur"
    """Levenberg-Marquardt with the Schur complement, or L-BFGS as a baseline."""
    kernel: Literal["auto", "torch", "fused"] = "auto"
    """What forms the normal equations: plain torch, or one fused kernel for the device; auto takes
    the fused one if there is one."""
    window: int = Field(7, ge=3, le=12)
    """Keyframes of the sliding window."""
    points: int = Field(800, ge=100, le=100_000)
    """Points per keyframe with an inverse depth of their own; the depth map interpolates them."""
    marginalisation: Literal["prior", "drop"] = "prior"
    """A keyframe that leaves the window becomes a prior on the others, or is dropped."""
    intensity_noise: float = Field(15.5, gt=0.0)
    """Standard deviation of a photometric residual, grey levels."""
    pixel_noise: float = Field(0.7, gt=0.0)
    """Standard deviation of an observed corner, pixels of the working image."""
    iterations: tuple[Literal["coarse", "fine"], ...] = Field(("coarse", "fine"), min_length=1)
    """The Levenberg-Marquardt iterations on each new keyframe, by pyramid level, in order."""


class ImuConfig(_Section):
    """The inertial measurement unit beside the camera."""

    mode: Literal["off", "gyroscope", "inertial", "auto"] = "off"
    """"off": no IMU. "gyroscope": its turns predict the next image, are measurements beside images
    and keyframes, and carry the rotation through images that show nothing. "inertial", "auto": the
    accelerometer too. Once the motion shows gravity and scale, the pose goes on by the IMU while
    images are lost, and the nodes' outputs are in metres and upright, in a new odometry frame."""
    gyroscope_noise: float = Field(1e-3, gt=0.0, le=1.0)
    """White noise of the gyroscope, rad/s/sqrt(Hz), as Kalibr and data sheets state it."""
    accelerometer_noise: float = Field(1e-2, gt=0.0, le=10.0)
    """White noise of the accelerometer, m/s2/sqrt(Hz)."""
    gyroscope_walk: float = Field(2e-5, gt=0.0, le=1.0)
    """Random walk of the gyroscope's bias, rad/s2/sqrt(Hz)."""
    accelerometer_walk: float = Field(3e-4, gt=0.0, le=10.0)
    """Random walk of the accelerometer's bias, m/s3/sqrt(Hz)."""
    accelerometer_scale_sigma: float = Field(0.03, ge=1e-4, le=0.5)
    """Deviation of the accelerometer's gain, a share: 0.003 where it is calibrated, 0.01 to 0.03 by
    data sheets. Gravity tells the gain, once tilts told it from the bias."""
    gyroscope_range: float = Field(0.0, ge=0.0, le=200.0)
    """Largest angular velocity that the gyroscope reads, rad/s; 0: found by itself."""
    accelerometer_range: float = Field(0.0, ge=0.0, le=1000.0)
    """Largest specific force that the accelerometer reads, m/s2; 0: found by itself."""
    T_imu_camera: tuple[float, ...] = Field(_IDENTITY, min_length=16)
    """Pose of the camera (optical frame) in the IMU's axes: a rigid 4x4 matrix row by row, metres.
    EuRoC's T_BS of the camera, the inverse of Kalibr's T_cam_imu."""
    time_offset: float = Field(0.0, ge=-1.0, le=1.0)
    """Seconds that are added to an image's stamp to get the IMU's time: Kalibr's
    timeshift_cam_imu."""
    calibrate_online: bool = True
    """Whether the rotation of `T_imu_camera` and `time_offset` are estimated from turns of images
    and gyroscope. They are replaced where they are off by more than 1 degree or 2 ms, and four
    deviations."""

    @field_validator("mode", mode="before")
    @classmethod
    def _off_without_quotes(cls, value: object) -> object:
        """YAML reads ``off`` as false."""
        return "off" if value is False else value

    @field_validator("T_imu_camera")
    @classmethod
    def _is_rigid(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if len(values) != 16 or not _is_rigid_matrix(np.array(values).reshape(4, 4)):
            raise ValueError("not the 16 numbers of a rigid transform, row by row")
        return values


class MapConfig(_Section):
    """What is kept of places that have left the window."""

    mode: Literal["auto", "off", "mapping", "localisation"] = Field("auto", json_schema_extra=LIVE)
    """"off": what leaves the window is forgotten. "mapping": keyframes are kept, a place that comes
    back closes a loop, and with a `file` the map is saved and gone on with. "localisation": the map
    of `file` does not change, and poses are told in it. "auto": mapping in `denseba run` and where
    a `file` is named, otherwise off. A map needs denseba_ros[matching]. In a node a change counts
    from ~/load_map on."""
    file: str = Field("", json_schema_extra=LIVE)
    """The map's file (.denseba); made by "mapping" where it is missing. Without one a map ends with
    the run. In a node it must lie below node.map_folder; a change counts from ~/load_map on."""
    max_keyframes_in_memory: int = Field(2000, ge=50)
    """Keyframes that stay in memory, about 0.7 MB each; others are read from `file` when needed."""

    @field_validator("mode", mode="before")
    @classmethod
    def _off_without_quotes(cls, value: object) -> object:
        """YAML reads ``off`` as false."""
        return "off" if value is False else value

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> MapConfig:
        if self.mode == "localisation" and not self.file:
            raise ValueError("localisation needs the map's file")
        return self

    def resolved(self, in_node: bool) -> MapConfig:
        """With the mode that "auto" stands for, ``in_node`` or in a recorded run."""
        if self.mode != "auto":
            return self
        mode = "off" if in_node and not self.file else "mapping"
        return self.model_copy(update={"mode": mode})


class Config(_Section):
    """All parameters of the core.

    Raises:
        ValidationError: from pydantic, on a wrong value; ``from_dict`` and ``from_yaml`` raise
            ConfigurationError instead.
    """

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the tensors live; auto takes CUDA where there is a GPU."""
    seed: int = Field(0, ge=0)
    """Seed of everything that samples."""
    frontend: FrontendConfig = FrontendConfig()
    tracker: TrackerConfig = TrackerConfig()
    keyframes: KeyframeConfig = KeyframeConfig()
    backend: BackendConfig = BackendConfig()
    imu: ImuConfig = ImuConfig()
    map: MapConfig = MapConfig()

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Config:
        """Parameters of nested mappings; missing keys take their defaults.

        Raises:
            ConfigurationError: with the name and the reason of every wrong value.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ConfigurationError(in_words(error, cls)) from error

    @classmethod
    def from_yaml(cls, path: Path) -> Config:
        """Read a ROS parameter file (``/**: ros__parameters:``) or plain YAML; ``node`` is skipped.

        Raises:
            ConfigurationError: when the file is missing, not YAML, or holds a wrong value.
        """
        values = parameters_from_yaml(path)
        try:
            return cls.from_dict({k: v for k, v in values.items() if k != "node"})
        except ConfigurationError as error:
            raise ConfigurationError(f"{path}: {error}") from error


def _is_rigid_matrix(T: np.ndarray) -> bool:
    """Whether (4, 4) ``T`` is a rotation and a translation, to the rounding of printed numbers."""
    R = T[:3, :3]
    return bool(
        np.all(np.isfinite(T))
        and np.allclose(R @ R.T, np.eye(3), atol=1e-3)
        and np.linalg.det(R) > 0.0
        and np.allclose(T[3], [0.0, 0.0, 0.0, 1.0])
    )
