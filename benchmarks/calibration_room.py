"""The rendered room through a lens with barrel distortion, as a folder for `denseba calibrate`.

python benchmarks/calibration_room.py FOLDER [--images 240]
denseba calibrate FOLDER --out camera.yaml --check 600,600,325,236,-0.3,0,0,0
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.geometry.distortion import undistort
from denseba_ros.sequences.image_io import write_image
from denseba_ros.sequences.room.room_renderer import room_renderer
from denseba_ros.sequences.room.synthetic_room import RoomSequence

LENS = Calibration(640, 480, 600.0, 600.0, 325.0, 236.0, "plumb_bob", (-0.3, 0.0, 0.0, 0.0))
# A pinhole that sees all that the lens sees.
WIDE = Calibration(900, 700, 600.0, 600.0, 449.5, 349.5)
_NOISE, _RATE = 2.0, 30


def pixels_of_wide() -> tuple[np.ndarray, np.ndarray]:
    """Where WIDE sees what each pixel of LENS sees: x and y, (480, 640) float32."""
    v, u = np.mgrid[: LENS.height, : LENS.width].astype(np.float64)
    seen = np.stack([(u.ravel() - LENS.cx) / LENS.fx, (v.ravel() - LENS.cy) / LENS.fy], axis=-1)
    pixels = WIDE.fx * undistort(seen, LENS) + [WIDE.cx, WIDE.cy]
    x, y = pixels.T.astype(np.float32).reshape(2, LENS.height, LENS.width)
    return x, y


def main() -> None:
    """Write the images."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=240)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    room = RoomSequence("loop", frames=args.images)
    x, y = pixels_of_wide()
    rng = np.random.default_rng(0)
    for k in tqdm(range(args.images), unit="img"):
        wide = room_renderer(0).brightness(WIDE, room.pose(k)).astype(np.float32)
        seen = cv2.remap(wide, x, y, cv2.INTER_CUBIC) + rng.normal(0.0, _NOISE, x.shape)
        image = np.clip(np.rint(seen), 0, 255).astype(np.uint8)
        write_image(args.folder / f"{k:04d}.png", image)


if __name__ == "__main__":
    main()
