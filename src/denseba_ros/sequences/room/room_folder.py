"""The synthetic room as files: a TUM RGB-D folder that any reader of that format opens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tqdm import tqdm

from denseba_ros.sequences.camera_info import write_camera_info
from denseba_ros.sequences.image_io import write_image
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.sequences.trajectory import format_seconds, write_tum

DEPTH_UNITS_PER_METRE = 5000
"""The TUM RGB-D benchmark's scale of 16-bit depth."""


def write_room(folder: Path, room: RoomSequence, progress: bool = False) -> None:
    """Write rgb/, depth/, rgb.txt, depth.txt, groundtruth.txt and camera_info.yaml.

    Raises:
        ImageError: when an image cannot be written.
    """
    listings: dict[str, list[str]] = {"rgb": [], "depth": []}
    for kind in listings:
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for frame in tqdm(room, desc="rendering", unit="frame", disable=not progress):
        depth = np.rint(DEPTH_UNITS_PER_METRE * room.depth(frame.index)).astype(np.uint16)
        stamp = format_seconds(frame.stamp_ns)
        for kind, image in (("rgb", frame.image), ("depth", depth)):
            write_image(folder / kind / f"{stamp}.png", image)
            listings[kind].append(f"{stamp} {kind}/{stamp}.png\n")
    for kind, rows in listings.items():
        (folder / f"{kind}.txt").write_text("# timestamp filename\n" + "".join(rows))
    write_tum(folder / "groundtruth.txt", room.groundtruth())
    write_camera_info(folder / "camera_info.yaml", room.calibration, room.name)
