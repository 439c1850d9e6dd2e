"""Camera path of a sequence by structure from motion over all its images at once, as a reference
for runs and recordings: COLMAP (Schoenberger, Frahm, CVPR 2016; `pip install pycolmap==3.12.0`).

python benchmarks/structure_from_motion.py SEQUENCE --out PATH.txt [--every 5] [--focal 585]
    [--refine]
writes TUM poses, camera to world, for `denseba evaluate RUN --groundtruth PATH.txt`. Where the
sequence has a ground truth they are aligned with it, and the error that is left is printed.
"""

from __future__ import annotations

import argparse
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import pycolmap
from tqdm import tqdm

from denseba_ros.evaluation.trajectory.trajectory_metrics import (
    ErrorStatistics,
    absolute_errors,
    match,
)
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.sequences.sequence import Sequence
from denseba_ros.sequences.trajectory import Trajectory, write_tum

_TOLERANCE_NS = 20_000_000
# Every image is matched with so many before it, and with those 2, 4, 8 ... before it.
_OVERLAP = 12
_FEATURES = 1500


def write_images(sequence: Sequence, every: int, folder: Path) -> list[int]:
    """Every so many images into ``folder`` as STAMP.png; their stamps."""
    stamps = []
    frames = islice(sequence, 0, None, every)
    for frame in tqdm(frames, total=len(sequence) // every, desc="images", unit="img"):
        cv2.imwrite(str(folder / f"{frame.stamp_ns:020d}.png"), frame.image)
        stamps.append(frame.stamp_ns)
    return stamps


def camera_of(calibration: Calibration, focal: float | None) -> list[float]:
    """Parameters of COLMAP's OPENCV camera: fx, fy, cx, cy, k1, k2, p1, p2."""
    fx, fy = (calibration.fx, calibration.fy) if focal is None else (focal, focal)
    if calibration.model not in ("none", "plumb_bob") or any(calibration.coefficients[4:]):
        raise SystemExit(f"no camera of COLMAP's for {calibration.model} with k3: rectify first")
    distortion = [*calibration.coefficients, 0.0, 0.0, 0.0, 0.0][:4]
    return [fx, fy, calibration.cx, calibration.cy, *distortion]


def reconstruct(folder: Path, camera: list[float], refine: bool) -> pycolmap.Reconstruction:
    """The largest reconstruction of the images in ``folder``."""
    database, images = folder / "database.db", folder / "images"
    reader = pycolmap.ImageReaderOptions()
    reader.camera_params = ",".join(str(x) for x in camera)
    sift = pycolmap.SiftExtractionOptions()
    sift.max_num_features = _FEATURES
    pycolmap.extract_features(
        database,
        images,
        camera_mode=pycolmap.CameraMode.SINGLE,
        camera_model="OPENCV",
        reader_options=reader,
        sift_options=sift,
        device=pycolmap.Device.cpu,
    )
    matching = pycolmap.SequentialMatchingOptions()
    matching.overlap = _OVERLAP
    pycolmap.match_sequential(database, matching_options=matching, device=pycolmap.Device.cpu)
    options = pycolmap.IncrementalPipelineOptions()
    options.ba_refine_focal_length = options.ba_refine_extra_params = refine
    maps = pycolmap.incremental_mapping(database, images, folder / "maps", options=options)
    if not maps:
        raise SystemExit("no two images could be put together")
    return max(maps.values(), key=lambda m: m.num_reg_images())


def poses(reconstruction: pycolmap.Reconstruction) -> Trajectory:
    """Camera-to-world poses in time order."""
    found = []
    for image in reconstruction.images.values():
        if image.has_pose:
            T = np.eye(4)
            T[:3] = image.cam_from_world().inverse().matrix()
            found.append((int(Path(image.name).stem), T))
    found.sort(key=lambda one: one[0])
    return Trajectory(np.array([s for s, _ in found]), np.stack([T for _, T in found]))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sequence", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--every", type=int, default=5)
    parser.add_argument("--fps", type=float)
    parser.add_argument("--focal", type=float, help="pixels, instead of the sequence's own")
    parser.add_argument("--refine", action="store_true", help="focal length and distortion, too")
    arguments = parser.parse_args()
    sequence = open_sequence(arguments.sequence, fps=arguments.fps)
    pycolmap.logging.minloglevel = 2
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "images").mkdir()
        stamps = write_images(sequence, arguments.every, folder / "images")
        camera = camera_of(sequence.calibration, arguments.focal)
        found = reconstruct(folder, camera, arguments.refine)
    path, truth = poses(found), sequence.groundtruth()
    print(f"{len(path)} of {len(stamps)} images, {found.compute_mean_reprojection_error():.2f} px")
    print("camera:", *(f"{x:.4g}" for x in next(iter(found.cameras.values())).params))
    if truth is not None:
        matched = match(path, truth, _TOLERANCE_NS)
        path = Trajectory(path.stamps_ns, matched.alignment.poses(path.T_world_camera))
        rmse = ErrorStatistics.of(absolute_errors(matched)).rmse
        print(f"ATE {rmse:.4f} m")
    write_tum(arguments.out, path)


if __name__ == "__main__":
    main()
