"""Fuzzing with damaged image and camera_info messages: each is converted or rejected."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from tqdm import tqdm

from denseba_ros.errors import DensebaError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.nodes.conversions.camera_info import calibration_from_msg, calibration_to_msg
from denseba_ros.nodes.conversions.images import (
    compressed_image_to_msg,
    encoded_image_to_msg,
    image_from_msg,
)
from denseba_ros.sequences.encodings import ENCODINGS

_NUMBERS = (0, 1, 2, 3, 7, 8, 24, 255, 256, 65535, 2**31 - 1, 2**31, 2**32 - 1)
_FLOATS = (0.0, -1.0, 1e-300, 1e300, float("inf"), float("-inf"), float("nan"), 10.0)
_MODELS = ("plumb_bob", "equidistant", "rational_polynomial", "none", "", "fisheye", "\u00e9")


def fuzz(count: int, seed: int = 0, progress: bool = False) -> Counter[str]:
    """Convert ``count`` damaged messages; returns the counts of each outcome.

    Outcomes are "understood", "refused" (a DensebaError) and "not a message" (rejected by the
    middleware). Any other exception is raised, as it would crash a node.
    """
    chance = random.Random(seed)
    ends: Counter[str] = Counter()
    makers = (_image, _compressed, _info)
    for k in tqdm(range(count), unit="input", desc="fuzz", disable=not progress):
        message, convert = makers[k % len(makers)](chance)
        if chance.random() < 0.5:
            damaged = _damaged(chance, serialize_message(message))
            try:
                message = deserialize_message(damaged, type(message))
            except Exception:
                # rclpy raises errors of any class for invalid bytes, which never reach a node.
                ends["not a message"] += 1
                continue
        try:
            convert(message)
            ends["understood"] += 1
        except DensebaError:
            ends["refused"] += 1
    return ends


def _damaged(chance: random.Random, data: bytes) -> bytes:
    """Change some bytes and truncate some messages."""
    # The head of the message, with its lengths, is changed more often than the pixels.
    changed = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        limit = len(changed) if chance.random() < 0.5 else min(len(changed), 96)
        changed[chance.randrange(4, limit)] = chance.randrange(256)
    if chance.random() < 0.2:
        del changed[chance.randrange(8, len(changed)) :]
    return bytes(changed)


def _image(chance: random.Random) -> tuple[Image, Callable[[Any], object]]:
    size = (chance.randint(1, 9), chance.randint(1, 9), 3)
    pixels = np.frombuffer(chance.randbytes(int(np.prod(size))), np.uint8).reshape(size)
    message = encoded_image_to_msg(pixels, "", 1, "camera")
    message.encoding = chance.choice((*ENCODINGS, "32FC1", "", "bgr7"))
    for name in ("width", "height", "step"):
        if chance.random() < 0.3:
            setattr(message, name, chance.choice(_NUMBERS))
    message.is_bigendian = chance.choice((0, 1, 255))
    return message, image_from_msg


def _compressed(chance: random.Random) -> tuple[CompressedImage, Callable[[Any], object]]:
    pixels = np.frombuffer(chance.randbytes(8 * 8 * 3), np.uint8).reshape(8, 8, 3)
    message = compressed_image_to_msg(pixels, chance.choice(("jpeg", "png")), 1, "camera")
    data = bytearray(message.data)
    for _ in range(chance.randint(0, 6)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    if chance.random() < 0.2:
        del data[chance.randrange(len(data)) :]
    message.data = bytes(data)
    return message, image_from_msg


def _info(chance: random.Random) -> tuple[CameraInfo, Callable[[Any], object]]:
    message = calibration_to_msg(Calibration(8, 6, 10.0, 10.0, 3.5, 2.5), 1, "camera")
    message.distortion_model = chance.choice(_MODELS)
    message.d = [chance.choice(_FLOATS) for _ in range(chance.choice((0, 4, 5, 8, 12, 14)))]
    k = np.array(message.k)
    k[chance.randrange(9)] = chance.choice(_FLOATS)
    message.k = k
    for name in ("width", "height", "binning_x", "binning_y"):
        if chance.random() < 0.2:
            setattr(message, name, chance.choice(_NUMBERS))
    for name in ("x_offset", "y_offset", "width", "height"):
        if chance.random() < 0.2:
            setattr(message.roi, name, chance.choice(_NUMBERS))
    return message, calibration_from_msg
