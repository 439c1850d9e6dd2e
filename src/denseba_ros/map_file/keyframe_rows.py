"""A keyframe as rows of the map file, and back with everything checked."""

from __future__ import annotations

import sqlite3
import zlib
from typing import Any

import numpy as np

from denseba_ros.errors import MapFileError
from denseba_ros.map_file.codes import logarithms
from denseba_ros.map_file.codes.descriptors import (
    local_from_bytes,
    local_to_bytes,
    whole_from_bytes,
    whole_to_bytes,
)
from denseba_ros.map_file.codes.images import image_from_bytes, image_to_bytes
from denseba_ros.map_file.codes.packing import CodeError, pack, unpack
from denseba_ros.map_file.codes.pixels import pixels_from_codes, pixels_to_codes
from denseba_ros.map_file.map_keyframe import LocalFeatures, MapKeyframe
from denseba_ros.map_file.similarity import matrix_from_bytes, matrix_to_bytes

BLOBS = ("image", "depth_map", "points", "feature_places", "feature_descriptors")
"""Columns of ``keyframe_data`` that the checksum is over, in this order."""
# Nobody's camera; damaged numbers must not ask for all memory.
_LARGEST_SIDE, _LARGEST_COUNT = 65_536, 10_000_000

Row = dict[str, Any]


def to_rows(keyframe: MapKeyframe) -> tuple[Row, Row, Row | None]:
    """Columns of ``keyframe`` (without its pose), ``keyframe_data`` and ``place``.

    Raises:
        ValueError: when arrays of the keyframe do not fit each other.
    """
    _check(keyframe)
    height, width = keyframe.image.shape
    features = keyframe.features
    small = {
        "id": keyframe.id,
        "session": keyframe.session,
        "stamp_ns": keyframe.stamp_ns,
        "affine": matrix_to_bytes(keyframe.affine),
        "height": height,
        "width": width,
        "map_height": keyframe.inverse_depth_map.shape[1],
        "map_width": keyframe.inverse_depth_map.shape[2],
        "points": len(keyframe.pixels),
        "corners": keyframe.corners,
        "features": None if features is None else len(features.places),
        "feature_length": None if features is None else features.descriptors.shape[1],
    }
    data = {"id": keyframe.id, **_blobs(keyframe)}
    data["checksum"] = checksum(data)
    if keyframe.descriptor is None:
        return small, data, None
    length = len(keyframe.descriptor)
    descriptor = whole_to_bytes(keyframe.descriptor)
    return small, data, {"id": keyframe.id, "length": length, "descriptor": descriptor}


def from_row(row: sqlite3.Row) -> MapKeyframe:
    """The keyframe of a row that joins the columns of ``to_rows``.

    Raises:
        MapFileError: when anything of it is damaged; it names the keyframe.
    """
    try:
        _check_numbers(row)
        if checksum(row) != row["checksum"]:
            raise CodeError("its bytes have changed since they were written")
        return _keyframe(row)
    except (CodeError, TypeError, ValueError) as error:
        raise MapFileError(f"keyframe {row['id']} is damaged: {error}") from error


def features_from_row(row: sqlite3.Row) -> LocalFeatures | None:
    """Features alone, of the columns that they need.

    Raises:
        CodeError: when they are damaged.
    """
    if row["features"] is None:
        return None
    size, count = (row["height"], row["width"]), row["features"]
    places = pixels_from_codes(unpack(row["feature_places"], (2, count)), size)
    shape = (count, row["feature_length"])
    return LocalFeatures(places, local_from_bytes(row["feature_descriptors"], shape))


def checksum(row: sqlite3.Row | Row) -> int:
    """CRC-32 over the blobs."""
    crc = 0
    for name in BLOBS:
        crc = zlib.crc32(row[name] or b"", crc)
    return crc


def _blobs(keyframe: MapKeyframe) -> Row:
    size = keyframe.image.shape
    inverse_depth = logarithms.to_codes(
        keyframe.inverse_depth_map[0], logarithms.INVERSE_DEPTH_STEP
    )
    sigma = logarithms.to_codes(keyframe.inverse_depth_map[1], logarithms.SIGMA_STEP)
    points = np.concatenate(
        [
            pixels_to_codes(keyframe.pixels, size),
            logarithms.to_codes(keyframe.inverse_depth, logarithms.INVERSE_DEPTH_STEP)[None],
            logarithms.to_codes(keyframe.relative_sigma, logarithms.SIGMA_STEP)[None],
        ]
    )
    features = keyframe.features
    return {
        "image": image_to_bytes(keyframe.image),
        "depth_map": pack(np.stack([inverse_depth, sigma])),
        "points": pack(points),
        "feature_places": None
        if features is None
        else pack(pixels_to_codes(features.places, size)),
        "feature_descriptors": None if features is None else local_to_bytes(features.descriptors),
    }


def _keyframe(row: sqlite3.Row) -> MapKeyframe:
    size = (row["height"], row["width"])
    points = unpack(row["points"], (4, row["points_count"]))
    depth_map = unpack(row["depth_map"], (2, row["map_height"], row["map_width"]))
    of_depth, of_sigma = logarithms.INVERSE_DEPTH_STEP, logarithms.SIGMA_STEP
    return MapKeyframe(
        id=row["id"],
        session=row["session"],
        stamp_ns=row["stamp_ns"],
        image=image_from_bytes(row["image"], size),
        affine=matrix_from_bytes(row["affine"], (2,)),
        pixels=pixels_from_codes(points[:2], size),
        inverse_depth=logarithms.from_codes(points[2], of_depth),
        relative_sigma=logarithms.from_codes(points[3], of_sigma),
        corners=row["corners"],
        inverse_depth_map=np.stack(
            [
                logarithms.from_codes(depth_map[0], of_depth),
                logarithms.from_codes(depth_map[1], of_sigma),
            ]
        ),
        features=features_from_row(row),
        descriptor=None
        if row["descriptor"] is None
        else whole_from_bytes([row["descriptor"]], [row["id"]], row["length"])[0],
    )


def _check_numbers(row: sqlite3.Row) -> None:
    """Refuse sizes and counts that no keyframe has."""
    for name in ("height", "width", "map_height", "map_width"):
        if not 0 < row[name] <= _LARGEST_SIDE:
            raise CodeError(f"{name} is {row[name]}")
    if not 0 <= row["corners"] <= row["points_count"] <= _LARGEST_COUNT:
        raise CodeError(f"{row['corners']} corners of {row['points_count']} points")
    for name in ("features", "feature_length"):
        if not 0 <= (row[name] or 0) <= _LARGEST_COUNT:
            raise CodeError(f"{name} is {row[name]}")


def _check(keyframe: MapKeyframe) -> None:
    count = len(keyframe.pixels)
    shapes = {
        "image": keyframe.image.ndim == 2 and keyframe.image.dtype == np.uint8,
        "affine": keyframe.affine.shape == (2,) and bool(np.all(np.isfinite(keyframe.affine))),
        "pixels": keyframe.pixels.shape == (count, 2)
        and bool(np.all(np.isfinite(keyframe.pixels))),
        "inverse_depth": keyframe.inverse_depth.shape == (count,),
        "relative_sigma": keyframe.relative_sigma.shape == (count,),
        "corners": 0 <= keyframe.corners <= count,
        "inverse_depth_map": keyframe.inverse_depth_map.ndim == 3
        and len(keyframe.inverse_depth_map) == 2,
        "features": keyframe.features is None
        or keyframe.features.places.shape == (len(keyframe.features.descriptors), 2),
        "descriptor": keyframe.descriptor is None or keyframe.descriptor.ndim == 1,
    }
    wrong = [name for name, is_right in shapes.items() if not is_right]
    if wrong:
        raise ValueError(f"keyframe {keyframe.id}: {', '.join(wrong)} of a wrong shape or type")
