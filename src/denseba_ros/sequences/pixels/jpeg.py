"""JPEG images, and what of their damage a decoder can see.

JPEG has no checksum. Most changed bits make other pixels and nothing else; but where codes or
restart marks no longer fit the size of the image, libjpeg warns, which OpenCV does not pass on.
"""

from __future__ import annotations

import numpy as np
import simplejpeg

from denseba_ros.errors import ImageError

# libjpeg's word for bytes between the last pixel of a part and the mark behind it.
_SURPLUS = "extraneous bytes"
# More are left to OpenCV, which refuses them.
_MOST_PIXELS = 1 << 30


class SurplusBytes:
    """Whether bytes that no pixel needs mean damage, for the images of one camera.

    Some cameras (Logitech C270, C910 and others) leave a few in every image, which does no harm;
    in one image of a camera that leaves none something was changed. So they are damage where most
    images of the camera so far had none.
    """

    def __init__(self) -> None:
        self._with, self._without = 0, 0

    def count(self, has_surplus: bool) -> bool:
        """Count an image; whether it is damaged."""
        self._with += has_surplus
        self._without += not has_surplus
        return has_surplus and self._without >= self._with


def decode_jpeg(data: bytes, surplus: SurplusBytes | None = None) -> np.ndarray | None:
    """The pixels as uint8, (H, W) grey or (H, W, 3) BGR, the same as OpenCV's.

    None where TurboJPEG does not know the kind: four colours, an unusual sampling of colours.
    Without ``surplus`` surplus bytes are no damage.

    Raises:
        ImageError: when it is damaged.
    """
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data, strict=False)
    except (ValueError, KeyError):  # KeyError: an unknown kind of samples, as damage makes it
        return None
    if colours not in ("Gray", "YCbCr", "RGB") or int(height) * int(width) > _MOST_PIXELS:
        return None
    layout = "GRAY" if colours == "Gray" else "BGR"
    image, has_surplus = _decoded(data, layout)
    if surplus is not None and surplus.count(has_surplus):
        raise ImageError("damaged: there are bytes that belong to no pixel")
    return image[..., 0] if colours == "Gray" else image


def _decoded(data: bytes, layout: str) -> tuple[np.ndarray, bool]:
    """Pixels (H, W, C), and whether there are surplus bytes."""
    try:
        return simplejpeg.decode_jpeg(data, layout, strict=True), False
    except ValueError as error:
        reason = str(error)
    try:
        if _SURPLUS in reason:
            return simplejpeg.decode_jpeg(data, layout, strict=False), True
    except ValueError as error:
        reason = str(error)
    raise ImageError(f"damaged: {reason}")
