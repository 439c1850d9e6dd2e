"""The data sources of a depth training, described by a YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from denseba_ros.errors import ConfigurationError
from denseba_ros.parameter_errors import in_words

Intrinsics = tuple[float, float, float, float]
_Share = Annotated[float, Field(ge=0.0, le=1.0)]
Crop = tuple[_Share, _Share, _Share, _Share]
Kind = Literal["stereo", "rgbd", "video", "room"]


class DepthSource(BaseModel):
    """One source of training data."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    kind: Kind
    """stereo: image_0/ and image_1/ rectified; rgbd: a sequence with depth images; video: a
    sequence with known poses; room: the rendered room."""
    path: Path = Path()
    """Folder, relative to --root; not used for the room."""
    start: int = Field(0, ge=0)
    """Frames left out at the beginning."""
    stop: int | None = Field(None, ge=1)
    """The first frame that is left out at the end."""
    stride: int = Field(1, ge=1)
    """Every so many frames."""
    weight: float = Field(1.0, gt=0.0)
    """Share of the batches from this source, relative to the other sources."""
    intrinsics: Intrinsics | None = None
    """fx, fy, cx, cy of the left images, if the folder has no calibration."""
    baseline: float | None = Field(None, gt=0.0)
    """Metres between the two cameras of a stereo source."""
    depth: str = "."
    """Folder of the depth images below ``path``; the numbers in their names are those of the
    images."""
    depth_units: float = Field(1000.0, gt=0.0)
    """Units of the depth images per metre."""
    depth_intrinsics: Intrinsics | None = None
    """fx, fy, cx, cy of the depth images, if they are not those of the images, resized."""
    carried: int = Field(0, ge=0)
    """rgbd: images without a depth image take that of the nearest image with one, at most so many
    frames away, propagated by the known poses."""
    crop: Crop | None = None
    """Part of the true depth that is also evaluated separately: first and last row, first and last
    column, as ratios of the image's height and width."""
    neighbours: int = Field(0, ge=0)
    """Frames this far before and after are views for the photometric loss of stereo and video;
    needs known poses."""
    trajectory: str = "orbit"
    """Path through the rendered room."""
    seeds: tuple[int, ...] = (0,)
    """Rooms to render."""


def read_sources(path: Path) -> list[DepthSource]:
    """The sources of a YAML list.

    Raises:
        ConfigurationError: when the file is missing, not YAML, or describes no valid source.
    """
    try:
        rows = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path}: {error}") from error
    if not isinstance(rows, list) or not rows:
        raise ConfigurationError(f"{path}: not a list of sources")
    try:
        sources = [DepthSource.model_validate(row) for row in rows]
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {in_words(error, DepthSource)}") from error
    for source in sources:
        if source.kind == "stereo" and source.baseline is None:
            raise ConfigurationError(f"{path}: {source.path} is stereo and needs a baseline")
        if source.kind == "video" and source.neighbours == 0:
            raise ConfigurationError(f"{path}: {source.path} is video and needs neighbours")
    return sources
