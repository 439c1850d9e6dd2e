"""Every parameter of the core, with its unit, default and range.

Pydantic checks types and ranges and names the wrong key, so no code here does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from denseba_ros.errors import ConfigurationError

LIVE: Final[dict[str, JsonValue]] = {"live": True}
"""Marks a field that may change between two images; any other holds from configure to cleanup."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class FrontendConfig(_Section):
    working_pixels: int = Field(307_200, ge=19_200, le=2_100_000)
    """Images larger than this are reduced to about this many pixels, aspect kept."""
    depth_model: str = "network"
    """Where depth comes from: "network" is the weights that come with denseba (for non-commercial
    use), "constant" the prior that needs none, else a .safetensors file of `denseba train depth`,
    an .onnx file, or "hf:" and the folder or name of a depth model of Hugging Face's
    transformers."""
    depth_flip: bool = False
    """Average the network's depth over the image and its mirror image; costs twice the time."""
    scale_drift: float = Field(0.02, ge=0.0, le=10.0)
    """How far the map's scale may drift (deviation of its log) while the camera travels as far as
    the points are away that it sees. A depth model that knows metres takes it off again; the
    larger, the sooner; 0: it does not."""
    pose_model: str = "none"
    """What predicts the rotation to the next image: "none" is the last velocity, "network" the
    weights that come with denseba, else a .safetensors file of `denseba train pose`."""
    constant_depth: float = Field(2.0, gt=0.0)
    """Depth of the constant prior, metres; without a network it only sets the scale."""
    constant_sigma: float = Field(1.0, gt=0.0)
    """Standard deviation of the log of that depth."""


class TrackerConfig(_Section):
    features: int = Field(500, ge=50, le=5000)
    """Corners per keyframe that optical flow follows."""
    iterations: int = Field(8, ge=1, le=50, json_schema_extra=LIVE)
    """Gauss-Newton steps per pyramid level."""
    relocalise: bool = True
    """Where an image cannot be aligned, look for it among the last keyframes by learned matches,
    and where flow loses the first image, start from them; needs denseba_ros[matching] and only
    warns without it."""


class KeyframeConfig(_Section):
    max_flow: float = Field(0.05, gt=0.0, lt=1.0, json_schema_extra=LIVE)
    """A new keyframe when the mean flow since the last exceeds this share of the image width."""
    min_visible: float = Field(0.7, gt=0.0, lt=1.0, json_schema_extra=LIVE)
    """... or when fewer than this share of the last keyframe's points are still visible."""


class BackendConfig(_Section):
    solver: Literal["schur", "lbfgs"] = "schur"
    """Gauss-Newton with the Schur complement, or the L-BFGS yardstick."""
    kernel: Literal["auto", "torch", "fused"] = "auto"
    """What sums over all pairs of points and frames: plain torch, or one fused pass made for the
    device; auto takes the fused one where there is one."""
    window: int = Field(7, ge=3, le=12)
    """Keyframes that are adjusted together."""
    points: int = Field(1000, ge=100, le=100_000)
    """Points with an inverse depth of their own per keyframe; the rest of the grid follows them."""
    marginalisation: Literal["prior", "drop"] = "prior"
    """What a keyframe leaves behind when it goes: a prior on the others, or nothing."""
    intensity_noise: float = Field(15.5, gt=0.0)
    """Standard deviation of a photometric residual, grey levels."""
    pixel_noise: float = Field(0.7, gt=0.0)
    """Standard deviation of an observed corner, pixels of the working image."""
    iterations: tuple[Literal["coarse", "fine"], ...] = Field(("coarse", "fine"), min_length=1)
    """The Gauss-Newton iterations on each new keyframe, in order."""


class Config(_Section):
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the tensors live; auto takes CUDA where there is a GPU."""
    seed: int = Field(0, ge=0)
    """Seed of everything that samples."""
    depth_every_frame: bool = Field(True, json_schema_extra=LIVE)
    """Render depth for every image (True) or only for keyframes (False)."""
    frontend: FrontendConfig = FrontendConfig()
    tracker: TrackerConfig = TrackerConfig()
    keyframes: KeyframeConfig = KeyframeConfig()
    backend: BackendConfig = BackendConfig()

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Config:
        """Raises ConfigurationError with the name and the reason of every wrong value."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ConfigurationError(str(error)) from error

    @classmethod
    def from_yaml(cls, path: Path) -> Config:
        """Read a ROS parameter file (``/**: ros__parameters:``) or plain YAML; ``node`` is skipped.

        Raises:
            ConfigurationError: when the file is missing, not YAML, or holds a wrong value.
        """
        try:
            values = yaml.safe_load(path.read_text()) or {}
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ConfigurationError(f"{path}: {error}") from error
        if isinstance(values, dict) and "/**" in values:
            section = values["/**"]
            values = section.get("ros__parameters") if isinstance(section, dict) else None
        if not isinstance(values, dict):
            raise ConfigurationError(f"{path}: not a mapping of parameters")
        return cls.from_dict({k: v for k, v in values.items() if k != "node"})
