"""A rendered sequence as files: a TUM RGB-D folder that any reader of that format opens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tqdm import tqdm

from denseba_ros.sequences.camera_info import write_camera_info
from denseba_ros.sequences.image_io import write_image
from denseba_ros.sequences.rendering.rendered_sequence import RenderedSequence
from denseba_ros.sequences.trajectory import format_seconds, write_tum

DEPTH_UNITS_PER_METRE = 5000
"""The TUM RGB-D benchmark's scale of 16-bit depth."""
_LARGEST = np.iinfo(np.uint16).max


def write_rendered(folder: Path, sequence: RenderedSequence, progress: bool = False) -> None:
    """Write rgb/, depth/, rgb.txt, depth.txt, groundtruth.txt and camera_info.yaml.

    Depth beyond the range of 16 bits (13.1 m) is written as 0, which means unknown.

    Raises:
        ImageError: when an image cannot be written.
    """
    listings: dict[str, list[str]] = {"rgb": [], "depth": []}
    for kind in listings:
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for frame in tqdm(sequence, desc="rendering", unit="frame", disable=not progress):
        depth = np.rint(DEPTH_UNITS_PER_METRE * sequence.depth(frame.index))
        depth = np.where(depth <= _LARGEST, depth, 0).astype(np.uint16)
        stamp = format_seconds(frame.stamp_ns)
        for kind, image in (("rgb", frame.image), ("depth", depth)):
            write_image(folder / kind / f"{stamp}.png", image)
            listings[kind].append(f"{stamp} {kind}/{stamp}.png\n")
    for kind, rows in listings.items():
        (folder / f"{kind}.txt").write_text("# timestamp filename\n" + "".join(rows))
    write_tum(folder / "groundtruth.txt", sequence.groundtruth())
    write_camera_info(folder / "camera_info.yaml", sequence.calibration, sequence.name)
