"""Structure from motion of a few dozen images of one camera, by COLMAP.

Schoenberger, Frahm, "Structure-from-motion revisited", CVPR 2016; pycolmap, BSD-3-Clause, the
extra ``calibrate``. COLMAP finds the focal length along with the poses. Its distortion is held at
one of a few values, as a free one is led astray by a car that drives straight on; the adjustment
frees it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from denseba_ros.calibration.structure import Floats, Structure
from denseba_ros.errors import ConfigurationError, SequenceError
from denseba_ros.geometry.calibration import DistortionModel

_FEATURES, _LARGEST_SIDE, _PEAK = 3000, 1280, 0.004
_OVERLAP = 10
# Focal length that COLMAP begins with, and its bounds, in longer sides of the image.
_FOCAL, _LEAST_FOCAL, _MOST_FOCAL = 0.8, 0.25, 4.0
# Distortion k1 that is tried: none, and that of a lens of about 90 degrees.
_HYPOTHESES: dict[DistortionModel, tuple[str, tuple[float, ...]]] = {
    "plumb_bob": ("SIMPLE_RADIAL", (0.0, -0.25)),
    "equidistant": ("SIMPLE_RADIAL_FISHEYE", (0.0,)),
}
# A limit for what has gone astray.
_SECONDS = 600
# Share of the images from which on no other distortion is tried.
_ALL = 0.9
_DATABASE = "database.db"
_LEAST_IMAGES, _LEAST_POINTS = 6, 100
# The points seen most often are enough.
_POINTS = 2000


@dataclass(frozen=True)
class Reconstruction:
    """A section put together with ``camera`` (8,), in the order of ``projection.NAMES``.

    ``error`` is the mean of the reprojection, pixels.
    """

    structure: Structure
    camera: Floats
    error: float


def load_pycolmap() -> Any:
    """The library, silent but for errors.

    Raises:
        ConfigurationError: when it is not installed.
    """
    try:
        import pycolmap
    except ImportError as error:
        raise ConfigurationError(
            "calibrating needs pycolmap: pip install 'denseba_ros[calibrate]'"
        ) from error
    pycolmap.logging.minloglevel = pycolmap.logging.FATAL.value
    return pycolmap


class Section:
    """Images of one camera that are matched once and put together again and again.

    Args:
        images: PNG files of one folder in the order of time.
        folder: empty; databases are written there.
        size: width and height.
        model: "plumb_bob" or "equidistant".
    """

    def __init__(
        self, images: list[Path], folder: Path, size: tuple[int, int], model: DistortionModel
    ) -> None:
        self._colmap = load_pycolmap()
        self._folder, self._size, self._model = folder, size, model
        self._count = len(images)
        _match(self._colmap, folder / _DATABASE, images)

    def reconstruct(self) -> Reconstruction:
        """The best reconstruction with an unknown focal length.

        Raises:
            SequenceError: when too few images can be put together.
        """
        name, distortions = _HYPOTHESES[self._model]
        start = [_FOCAL * max(self._size), 0.5 * self._size[0], 0.5 * self._size[1]]
        found: list[Reconstruction] = []
        for k1 in distortions:
            one = self._map(name, [*start, k1], is_known=False)
            found += [] if one is None else [one]
            if one is not None and len(one.structure.T_camera_world) >= _ALL * self._count:
                break
        if not found:
            raise SequenceError(
                f"no {_LEAST_IMAGES} of {self._count} images could be put together: there is too "
                "little parallax (does the camera only turn?) or texture"
            )
        return max(found, key=lambda one: len(one.structure.pixels) / one.error)

    def reconstruct_with(self, camera: Floats) -> Reconstruction | None:
        """With a known camera (8,), None when too few images can be put together.

        What a wrong camera made COLMAP leave out is there again.
        """
        name = {"plumb_bob": "OPENCV", "equidistant": "OPENCV_FISHEYE"}[self._model]
        parameters = camera.tolist()
        parameters[2:4] = [parameters[2] + 0.5, parameters[3] + 0.5]
        return self._map(name, parameters, is_known=True)

    def _map(self, name: str, parameters: list[float], *, is_known: bool) -> Reconstruction | None:
        colmap = self._colmap
        database = self._folder / _DATABASE
        _set_camera(colmap, database, name, parameters, is_known)
        options = _mapping_options(colmap, is_known)
        maps = colmap.incremental_mapping(
            database, self._folder, self._folder / "maps", options=options
        )
        large = [
            one
            for one in maps.values()
            if one.num_reg_images() >= _LEAST_IMAGES and one.num_points3D() >= _LEAST_POINTS
        ]
        if not large:
            return None
        best = max(large, key=lambda one: one.num_reg_images())
        return _taken_over(best)


def _match(colmap: Any, database: Path, images: list[Path]) -> None:
    """Features of every image, and their matches with the next ones and some later ones."""
    colmap.set_random_seed(0)
    threads = len(os.sched_getaffinity(0))
    extraction = colmap.FeatureExtractionOptions()
    extraction.use_gpu, extraction.num_threads = False, threads
    extraction.max_image_size = _LARGEST_SIDE
    extraction.sift.max_num_features, extraction.sift.peak_threshold = _FEATURES, _PEAK
    colmap.extract_features(
        database,
        images[0].parent,
        image_names=[path.name for path in images],
        camera_mode=colmap.CameraMode.SINGLE,
        extraction_options=extraction,
        device=colmap.Device.cpu,
    )
    matching = colmap.FeatureMatchingOptions()
    matching.use_gpu, matching.num_threads = False, threads
    pairing = colmap.SequentialPairingOptions()
    pairing.overlap, pairing.quadratic_overlap = _OVERLAP, True
    colmap.match_sequential(
        database, matching_options=matching, pairing_options=pairing, device=colmap.Device.cpu
    )


def _mapping_options(colmap: Any, is_known: bool) -> Any:
    options = colmap.IncrementalPipelineOptions()
    options.multiple_models, options.extract_colors = False, False
    options.random_seed, options.max_runtime_seconds = 0, _SECONDS
    options.ba_refine_extra_params = options.mapper.abs_pose_refine_extra_params = False
    options.ba_refine_focal_length = options.mapper.abs_pose_refine_focal_length = not is_known
    options.ba_global_max_num_iterations = 20
    # Smaller than COLMAP's own: neighbours in a video are near to each other.
    options.mapper.init_min_tri_angle = 8.0
    for bounded in (options, options.mapper, options.triangulation):
        bounded.min_focal_length_ratio, bounded.max_focal_length_ratio = _LEAST_FOCAL, _MOST_FOCAL
    return options


def _set_camera(
    colmap: Any, database: Path, name: str, parameters: list[float], is_known: bool
) -> None:
    opened = colmap.Database.open(database)
    try:
        (camera,) = opened.read_all_cameras()
        camera.model = colmap.CameraModelId.__members__[name]
        camera.params = parameters
        camera.has_prior_focal_length = is_known
        opened.update_camera(camera)
    finally:
        opened.close()


def _taken_over(one: Any) -> Reconstruction:
    """As arrays, with the points that were seen most often."""
    (camera,) = one.cameras.values()
    names = {identity: row for row, identity in enumerate(one.points3D)}
    T, cameras, points, pixels = [], [], [], []
    for row, image in enumerate(image for image in one.images.values() if image.has_pose):
        T.append(np.vstack([image.cam_from_world().matrix(), [0.0, 0.0, 0.0, 1.0]]))
        seen = [feature for feature in image.points2D if feature.has_point3D()]
        cameras += [row] * len(seen)
        points += [names[feature.point3D_id] for feature in seen]
        # COLMAP's top-left pixel has its centre at (0.5, 0.5).
        pixels += [feature.xy - 0.5 for feature in seen]
    places = np.array([point.xyz for point in one.points3D.values()])
    structure = Structure(
        np.array(T), places, np.array(cameras), np.array(points), np.array(pixels)
    )
    error = float(one.compute_mean_reprojection_error())
    return Reconstruction(structure.with_most_seen(_POINTS), _parameters(camera.params), error)


def _parameters(params: Floats) -> Floats:
    """COLMAP's f, cx, cy, k1 or fx, fy, cx, cy and four more as a camera (8,)."""
    fx, fy, cx, cy, *rest = params if len(params) == 8 else [params[0], *params]
    camera = [fx, fy, cx - 0.5, cy - 0.5, *rest]
    return np.array([*camera, 0.0, 0.0, 0.0][:8], np.float64)
