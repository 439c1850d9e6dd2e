"""From bytes to images: the raw encodings of sensor_msgs/Image, and compressed files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from denseba_ros.errors import ImageError
from denseba_ros.sequences.pixels.completeness import JPEG, whole_length
from denseba_ros.sequences.pixels.jpeg import SurplusBytes, decode_jpeg
from denseba_ros.sequences.pixels.packed_bits import packed_row_bytes, unpack, widen
from denseba_ros.sequences.pixels.yuv_planes import PLANAR, decode_planes

Bytes = bytes | bytearray | memoryview | np.ndarray
Reduce = Callable[[np.ndarray], np.ndarray]
"""From uint16 to uint8 of the same shape, as ``to_8_bit`` or ``ImageRange.to_8_bit``."""


def to_8_bit(image: np.ndarray) -> np.ndarray:
    """uint16 to uint8 over the full range, 65535 -> 255, rounded as by cv_bridge; uint8 unchanged.

    Raises:
        ImageError: on another type.
    """
    if image.dtype == np.uint8:
        return image
    if image.dtype != np.uint16:
        raise ImageError(f"pixels are {image.dtype}, not 8 or 16 bit unsigned")
    return ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)


@dataclass(frozen=True)
class Decoding:
    """How the images of one camera are decoded: 16-bit values become 8-bit by ``reduce``, and
    ``surplus`` says which JPEG images are damaged; None takes those with surplus bytes too."""

    reduce: Reduce = to_8_bit
    surplus: SurplusBytes | None = None


ANY_CAMERA = Decoding()
"""How a single image is decoded, of whose camera nothing is known."""


@dataclass(frozen=True)
class _Encoding:
    """``channels`` values of ``bytes_per_value`` a pixel; ``convert`` gives grey or BGR.

    Values of two bytes have so many ``bits``.
    """

    channels: int
    convert: Callable[[np.ndarray], np.ndarray]
    bytes_per_value: int = 1
    bits: int = 16


def _colour(code: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda image: cv2.cvtColor(to_8_bit(image), code)


def _bayer(code: int) -> Callable[[np.ndarray], np.ndarray]:
    # Demosaicing needs neighbours of every colour on both axes.
    def convert(image: np.ndarray) -> np.ndarray:
        if image.shape[0] < 3 or image.shape[1] < 3:
            raise ImageError(f"a Bayer image of {image.shape[1]}x{image.shape[0]} is too small")
        return cv2.cvtColor(to_8_bit(image), code)

    return convert


def _known_encodings() -> dict[str, _Encoding]:
    known = {
        "mono8": _Encoding(1, to_8_bit),
        "8UC1": _Encoding(1, to_8_bit),
        "mono16": _Encoding(1, to_8_bit, 2),
        "16UC1": _Encoding(1, to_8_bit, 2),
        "bgr8": _Encoding(3, to_8_bit),
        "8UC3": _Encoding(3, to_8_bit),
        "rgb8": _Encoding(3, _colour(cv2.COLOR_RGB2BGR)),
        "bgra8": _Encoding(4, _colour(cv2.COLOR_BGRA2BGR)),
        "8UC4": _Encoding(4, _colour(cv2.COLOR_BGRA2BGR)),
        "rgba8": _Encoding(4, _colour(cv2.COLOR_RGBA2BGR)),
        "bgr16": _Encoding(3, to_8_bit, 2),
        "rgb16": _Encoding(3, _colour(cv2.COLOR_RGB2BGR), 2),
        # REP-less history: plain "yuv422" has always meant UYVY in ROS.
        "yuv422": _Encoding(2, _colour(cv2.COLOR_YUV2BGR_UYVY)),
        "uyvy": _Encoding(2, _colour(cv2.COLOR_YUV2BGR_UYVY)),
        "yuv422_yuy2": _Encoding(2, _colour(cv2.COLOR_YUV2BGR_YUYV)),
        "yuyv": _Encoding(2, _colour(cv2.COLOR_YUV2BGR_YUYV)),
    }
    # ROS names the first two pixels of the first two rows, as OpenCV's newer aliases do.
    for pattern, code in (
        ("rggb", cv2.COLOR_BayerRGGB2BGR),
        ("bggr", cv2.COLOR_BayerBGGR2BGR),
        ("gbrg", cv2.COLOR_BayerGBRG2BGR),
        ("grbg", cv2.COLOR_BayerGRBG2BGR),
    ):
        known[f"bayer_{pattern}8"] = _Encoding(1, _bayer(code))
        known[f"bayer_{pattern}16"] = _Encoding(1, _bayer(code), 2)
    for bits in (10, 12):
        known[f"mono{bits}"] = _Encoding(1, to_8_bit, 2, bits)
    return known


_ENDS = ("p", "packed")
_ENCODINGS = _known_encodings()
# GenICam's names of packed grey values, and which layout of how many bits they are.
_PACKED = {f"mono{bits}{end}": (f"{bits}{end}", bits) for bits in (10, 12) for end in _ENDS}
# In the format of a compressed image whose driver sends a video.
_VIDEO = ("h264", "h265", "hevc", "av1", "ffmpeg")
_LFS_POINTER = b"version https://git-lfs"
ENCODINGS = (*_ENCODINGS, *_PACKED, *PLANAR)


def decode_image_message(message: Any, how: Decoding = ANY_CAMERA) -> np.ndarray:
    """Pixels of a sensor_msgs/Image of any library, as ``decode_image``.

    Raises:
        ImageError: on an unknown encoding, or data that does not fit what the message says.
    """
    return decode_image(
        message.data,
        message.encoding,
        message.width,
        message.height,
        message.step,
        bool(message.is_bigendian),
        how.reduce,
    )


def decode_image(
    data: Bytes,
    encoding: str,
    width: int,
    height: int,
    step: int,
    is_bigendian: bool = False,
    reduce: Reduce = to_8_bit,
) -> np.ndarray:
    """Pixels of a sensor_msgs/Image as uint8, (H, W) grey or (H, W, 3) BGR.

    ``step`` is the length of a row in bytes, padding included. 16-bit values become 8-bit by
    ``reduce``. The result may be a read-only view of ``data``: copy before writing to it.

    Raises:
        ImageError: on an unknown encoding, a size or step that does not fit, or short data.
    """
    if width <= 0 or height <= 0:
        raise ImageError(f"image size {width}x{height} is not positive")
    buffer = np.frombuffer(data, dtype=np.uint8)
    name = encoding if encoding in _ENCODINGS else encoding.lower()
    if name in PLANAR:
        return decode_planes(buffer, name, width, height, step)
    if name in _PACKED:
        layout, bits = _PACKED[name]
        rows = _rows(buffer, name, packed_row_bytes(width, layout), (width, height), step)
        return reduce(widen(unpack(rows, layout, width), bits))
    known = _ENCODINGS.get(name)
    if known is None:
        raise ImageError(f"unknown encoding {encoding!r}; known: {', '.join(ENCODINGS)}")
    if known.channels == 2 and width % 2:
        raise ImageError(f"{encoding} shares colour between two pixels, but the width is {width}")
    row = width * known.channels * known.bytes_per_value
    rows = _rows(buffer, encoding, row, (width, height), step)
    if known.bytes_per_value == 2:
        rows = np.ascontiguousarray(rows).view(">u2" if is_bigendian else "<u2").astype(np.uint16)
        rows = reduce(rows if known.bits == 16 else widen(rows, known.bits))
    shape = (height, width) if known.channels == 1 else (height, width, known.channels)
    return known.convert(rows.reshape(shape))


def _rows(
    buffer: np.ndarray, encoding: str, row: int, size: tuple[int, int], step: int
) -> np.ndarray:
    """(height, ``row``) view of the bytes, without the padding of rows of ``step`` bytes."""
    width, height = size
    if step < row:
        raise ImageError(f"step {step} is less than the {row} bytes of a {width} px {encoding} row")
    # The last row may come without its padding.
    needed = step * (height - 1) + row
    if buffer.size < needed:
        raise ImageError(f"{buffer.size} bytes, but {width}x{height} {encoding} needs {needed}")
    return np.lib.stride_tricks.as_strided(buffer, (height, row), (step, 1), writeable=False)


def decode_compressed(data: Bytes, format: str = "", how: Decoding = ANY_CAMERA) -> np.ndarray:
    """A JPEG, PNG or other image file in memory as uint8, (H, W) grey or (H, W, 3) BGR.

    What lies behind its end is left out.

    ``format`` is that of a sensor_msgs/CompressedImage or a file suffix, used in messages; the
    content determines the decoder. EXIF rotation is not applied: the calibration is the sensor's.

    Raises:
        ImageError: when the data is truncated or damaged, is a compressed depth image or of a
            video, or cannot be decoded.
    """
    what = f"compressed image ({format or 'unnamed format'}, {len(data)} bytes)"
    if "compressedDepth" in format:
        raise ImageError(f"{what} is a depth image, not a camera image")
    if any(codec in format.lower() for codec in _VIDEO):
        raise ImageError(f"{what} is a part of a video: record single images, as JPEG or PNG")
    buffer = np.frombuffer(data, dtype=np.uint8)
    if not buffer.size:
        raise ImageError(f"{what} is empty")
    content = buffer.tobytes()
    if content.startswith(_LFS_POINTER):
        raise ImageError(f"{what} is a pointer of Git LFS, not the image: run `git lfs pull`")
    length = whole_length(content)
    if length is None:
        raise ImageError(f"{what} is truncated")
    if content.startswith(JPEG):
        try:
            image = decode_jpeg(content[:length], how.surplus)
        except ImageError as error:
            raise ImageError(f"{what} is {error}") from error
        if image is not None:
            return image
    buffer = buffer[:length]
    flags = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(buffer, flags)
    except cv2.error as error:
        raise ImageError(f"{what} cannot be decoded") from error
    if image is None:
        raise ImageError(f"{what} cannot be decoded")
    return to_8_bit(how.reduce(image) if image.dtype == np.uint16 else image)
