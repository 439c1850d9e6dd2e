"""Arrays to and from sensor_msgs/Image and sensor_msgs/CompressedImage."""

from __future__ import annotations

import array
import sys

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage, Image

from denseba_ros.errors import ImageError
from denseba_ros.nodes.conversions.stamps import make_header
from denseba_ros.sequences.encodings import (
    ANY_CAMERA,
    Decoding,
    decode_compressed,
    decode_image_message,
)

_IS_BIGENDIAN = sys.byteorder == "big"


def image_from_msg(message: Image | CompressedImage, how: Decoding = ANY_CAMERA) -> np.ndarray:
    """Uint8 (H, W) grey or (H, W, 3) BGR; may be a read-only view of the message.

    Raises:
        ImageError: on an unknown encoding, or data that does not fit what the message says.
    """
    if isinstance(message, CompressedImage):
        return decode_compressed(message.data, message.format, how)
    return decode_image_message(message, how)


def image_to_msg(image: np.ndarray, encoding: str, stamp_ns: int, frame_id: str) -> Image:
    """An image (H, W[, 3]) whose pixels are already in ``encoding`` (mono8, bgr8, rgb8, 32FC1)."""
    height, width = image.shape[:2]
    message = Image(
        header=make_header(stamp_ns, frame_id),
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=int(_IS_BIGENDIAN),
        step=image.nbytes // height,
    )
    message.data = to_bytes(image)
    return message


def encoded_image_to_msg(image: np.ndarray, encoding: str, stamp_ns: int, frame_id: str) -> Image:
    """Grey or BGR uint8 converted to mono8, bgr8 or rgb8 ("" keeps what it is).

    Raises:
        ImageError: on another encoding.
    """
    is_grey = image.ndim == 2
    encoding = encoding or ("mono8" if is_grey else "bgr8")
    conversions = {
        ("mono8", True): None,
        ("mono8", False): cv2.COLOR_BGR2GRAY,
        ("bgr8", True): cv2.COLOR_GRAY2BGR,
        ("bgr8", False): None,
        ("rgb8", True): cv2.COLOR_GRAY2RGB,
        ("rgb8", False): cv2.COLOR_BGR2RGB,
    }
    if (encoding, is_grey) not in conversions:
        raise ImageError(f"cannot publish images as {encoding!r}; known: mono8, bgr8, rgb8")
    code = conversions[encoding, is_grey]
    return image_to_msg(
        image if code is None else cv2.cvtColor(image, code), encoding, stamp_ns, frame_id
    )


def compressed_image_to_msg(
    image: np.ndarray, format: str, stamp_ns: int, frame_id: str
) -> CompressedImage:
    """Grey or BGR uint8 as ``format`` "jpeg" or "png".

    Raises:
        ImageError: when it cannot be compressed.
    """
    suffix = {"jpeg": ".jpg", "png": ".png"}.get(format)
    if suffix is None:
        raise ImageError(f"cannot compress to {format!r}; known: jpeg, png")
    done, data = cv2.imencode(suffix, image)
    if not done:
        raise ImageError(f"OpenCV cannot compress the image {image.shape} to {format}")
    kind = "mono8" if image.ndim == 2 else "bgr8"
    message = CompressedImage(
        header=make_header(stamp_ns, frame_id), format=f"{kind}; {format} compressed {kind}"
    )
    message.data = to_bytes(data)
    return message


def float_image_to_msg(values: np.ndarray, stamp_ns: int, frame_id: str) -> Image:
    """(h, w) as 32FC1; depth in metres with NaN where unknown is REP-118's depth image."""
    return image_to_msg(values.astype(np.float32, copy=False), "32FC1", stamp_ns, frame_id)


def float_image_from_msg(message: Image) -> np.ndarray:
    """(h, w) float32 of a 32FC1 image, read-only.

    Raises:
        ImageError: on another encoding or data that does not fit the size.
    """
    if message.encoding != "32FC1":
        raise ImageError(f"expected a 32FC1 image, got {message.encoding!r}")
    row = message.width * 4
    if message.step < row or len(message.data) < message.step * message.height or row == 0:
        raise ImageError(
            f"{len(message.data)} bytes in steps of {message.step} "
            f"do not fit a {message.width}x{message.height} 32FC1 image"
        )
    rows = np.frombuffer(message.data, np.uint8, message.step * message.height)
    rows = np.ascontiguousarray(rows.reshape(message.height, message.step)[:, :row])
    return rows.view(">f4" if message.is_bigendian else "<f4").astype(np.float32, copy=False)


def to_bytes(values: np.ndarray) -> array.array[int]:
    """The form of uint8[] that rclpy takes without walking over every element."""
    data = array.array("B")
    data.frombytes(np.ascontiguousarray(values).data.cast("B"))
    return data
