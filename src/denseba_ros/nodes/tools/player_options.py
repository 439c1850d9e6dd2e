"""How a sequence is published. Needs no ROS, so that the command line can show the defaults."""

from __future__ import annotations

from dataclasses import dataclass

PLAYER_NODE = "denseba_replay"
"""Name of the node that plays; in lockstep it listens to `status`."""


@dataclass(frozen=True)
class PlayerOptions:
    """How the images are published.

    ``rate`` is times real time, 0 without pauses. ``lockstep`` holds each image back until the
    `status` of the last one came. ``encoding`` "" keeps what the images are; ``compressed`` is
    "", "jpeg" or "png". ``sent_log`` names a file that gets a ``SentLog``, "" none. Seconds for the
    time limits.
    """

    image_topic: str = "image"
    info_topic: str = "camera_info"
    imu_topic: str = "imu"
    frame_id: str = "camera_optical_frame"
    imu_frame_id: str = "imu_link"
    rate: float = 1.0
    lockstep: bool = False
    encoding: str = ""
    compressed: str = ""
    sent_log: str = ""
    publish_clock: bool = True
    wait_subscribers: int = 1
    wait_limit: float = 60.0
    lockstep_limit: float = 60.0
