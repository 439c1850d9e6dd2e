"""Choice of the image topic of a bag, and of its camera_info."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from denseba_ros.errors import SequenceError

IMAGE = "sensor_msgs/msg/Image"
COMPRESSED_IMAGE = "sensor_msgs/msg/CompressedImage"
CAMERA_INFO = "sensor_msgs/msg/CameraInfo"


def choose_image_topic(types: Mapping[str, str | None], requested: str | None, where: str) -> str:
    """The image topic: the ``requested`` one, else the only one (raw rather than compressed).

    ``types`` maps each topic to its message type.

    Raises:
        SequenceError: listing the image topics when it is not there or there are several. Topics of
            depth images are not counted.
    """
    images = sorted(t for t, kind in types.items() if kind in (IMAGE, COMPRESSED_IMAGE))
    images = [t for t in images if not t.endswith("/compressedDepth")]
    if requested is not None:
        topic = "/" + requested.strip("/")
        if topic not in images:
            raise SequenceError(f"{where}: no image topic {topic}; there are: {_listing(images)}")
        return topic
    cameras = [t for t in images if _raw_name(t) == t or _raw_name(t) not in images]
    depth = [t for t in cameras if is_depth(t)]
    cameras = [t for t in cameras if t not in depth]
    if len(cameras) == 1:
        return cameras[0]
    if cameras:
        raise SequenceError(
            f"{where}: {len(cameras)} image topics, choose one with --topic: {_listing(cameras)}"
        )
    if depth:
        raise SequenceError(
            f"{where}: no camera, only depth: {_listing(depth)}; --topic takes one of them anyway"
        )
    raise SequenceError(f"{where}: 0 image topics; all topics: {_listing(sorted(types))}")


def choose_depth_topic(types: Mapping[str, str | None], requested: str | None, where: str) -> str:
    """The topic of raw depth images: the ``requested`` one, else the only one that says that it is
    registered to a camera (`aligned`, `registered`), else the only one.

    Raises:
        SequenceError: listing them when it is not there or there are several.
    """
    images = sorted(t for t, kind in types.items() if kind == IMAGE)
    if requested is not None:
        topic = "/" + requested.strip("/")
        if topic not in images:
            raise SequenceError(f"{where}: no image topic {topic}; there are: {_listing(images)}")
        return topic
    depth = [t for t in images if is_depth(t)]
    registered = [t for t in depth if "aligned" in t.lower() or "registered" in t.lower()]
    for topics in (registered, depth):
        if len(topics) == 1:
            return topics[0]
    what = "several depth topics, choose one with --depth-topic" if depth else "no depth topic"
    raise SequenceError(f"{where}: {what}: {_listing(depth or sorted(types))}")


def is_depth(image_topic: str) -> bool:
    """Whether the topic's name is that of depth images: no camera image, though an Image."""
    for part in _raw_name(image_topic).lower().split("/")[-2:]:
        words = part.split("_")
        if ("depth" in words or "disparity" in words) and words[-1] not in ("camera", "cam"):
            return True
    return False


def choose_info_topic(types: Mapping[str, str | None], image_topic: str) -> str | None:
    """The camera_info topic beside the image, else the only one of the bag, else None."""
    infos = sorted(t for t, kind in types.items() if kind == CAMERA_INFO)
    beside = _raw_name(image_topic).rpartition("/")[0] + "/camera_info"
    if beside in infos:
        return beside
    return infos[0] if len(infos) == 1 else None


def _raw_name(topic: str) -> str:
    return topic.removesuffix("/compressed")


def _listing(topics: Iterable[str]) -> str:
    return ", ".join(topics) or "none"
