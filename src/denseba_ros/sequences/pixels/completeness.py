"""Whether a compressed image is whole: OpenCV fills the rest of a cut JPEG with grey.

The end is found from the beginning, by the structure of the file. Cameras and drivers leave any
bytes behind it: zeros up to a buffer's size, or the rest of a larger image before.
"""

from __future__ import annotations

import re

JPEG, _PNG, _WEBP = b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"RIFF"
_BEGINNING, _END = 0xD8, 0xD9
# A marker in coded data: not a stuffed 0xff, a restart or a filling 0xff.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7\x01]")


def whole_length(data: bytes) -> int | None:
    """Bytes of the image at the beginning of ``data``, None if it is cut.

    All of them where the format is none of JPEG, PNG and WebP.
    """
    if data.startswith(JPEG):
        return _jpeg_length(data)
    if data.startswith(_PNG):
        return _png_length(data)
    if data.startswith(_WEBP) and data[8:12] == b"WEBP":
        length = 8 + int.from_bytes(data[4:8], "little")
        return length if length <= len(data) else None
    return len(data)


def _jpeg_length(data: bytes) -> int | None:
    position = len(JPEG)
    while True:
        # Outside of coded data every segment begins with 0xff, maybe repeated.
        found = _MARKER.search(data, position)
        if found is None:
            return None
        position = found.end()
        marker = data[position - 1]
        if marker == _END:
            return position
        length = int.from_bytes(data[position : position + 2], "big")
        if marker == _BEGINNING or length < 2:
            return None
        position += length


def _png_length(data: bytes) -> int | None:
    position = len(_PNG)
    while position + 12 <= len(data):
        length, kind = (
            int.from_bytes(data[position : position + 4], "big"),
            data[position + 4 : position + 8],
        )
        position += 12 + length
        if kind == b"IEND":
            return position if position <= len(data) else None
    return None
