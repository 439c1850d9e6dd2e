"""Evaluation of a depth model on images with measured depth that it was not trained on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from denseba_ros.config import FrontendConfig
from denseba_ros.errors import SequenceError
from denseba_ros.evaluation.depth.depth_metrics import (
    DepthErrors,
    depth_errors,
    mean_errors,
    median_scale,
)
from denseba_ros.evaluation.depth.depth_truth import read_depth
from denseba_ros.evaluation.depth.uncertainty_metrics import (
    SHARES,
    sparsification,
    sparsification_area,
)
from denseba_ros.frontend.depth.constant_depth import DEPTH_STRIDE, DepthModel
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.geometry.rectify import Rectifier
from denseba_ros.sequences.image_io import read_image
from denseba_ros.training.depth.depth_image_files import depth_camera, depth_files, open_images
from denseba_ros.training.depth.depth_plots import PanelRow
from denseba_ros.training.depth.depth_sources import Crop, DepthSource
from denseba_ros.training.depth.errors_by_region import LocatedDepth, errors_by_region

Grid = NDArray[np.float32]

# Range of true depth that is evaluated, metres.
_NEAREST, _FURTHEST = 0.1, 80.0


@dataclass(frozen=True)
class EvaluatedFrame:
    """The N pixels of one image with true depth: ``depth`` (N,) in metres and its ``sigma`` (N,),
    standard deviation of log-depth, as the frontend computes them; ``truth`` (N,) in metres; the
    image's ``gradient`` (N,); ``column`` (N,) as a ratio of the width; ``inside`` (N,) whether in
    the source's crop, all without one."""

    depth: NDArray[np.float64]
    sigma: NDArray[np.float64]
    truth: NDArray[np.float64]
    gradient: NDArray[np.float64]
    column: NDArray[np.float64]
    inside: NDArray[np.bool_]


def evaluate(model: DepthModel, source: DepthSource, root: Path) -> dict[str, Any]:
    """Errors, spread of the scale and quality of the uncertainty, over the images of ``source``
    below the folder ``root``.

    Raises:
        SequenceError: when no image of the source has a depth.
    """
    frames = list(tqdm(evaluated_frames(model, source, root), desc="evaluating", disable=None))
    if not frames:
        raise SequenceError(f"{root / source.path}: no image with depth to evaluate with")
    report = depth_report(frames)
    if source.crop is not None:
        report["cropped"] = mean_errors([_cropped(f) for f in frames])
    return report


def depth_report(frames: list[EvaluatedFrame]) -> dict[str, Any]:
    """The report of ``evaluate`` for at least one frame."""
    scaled, plain, scales, areas, curves, located = [], [], [], [], [], []
    for frame in frames:
        scale = median_scale(frame.depth, frame.truth)
        scales.append(np.log(scale))
        plain.append(depth_errors(frame.depth, frame.truth))
        scaled.append(depth_errors(frame.depth, frame.truth, scale))
        located.append(LocatedDepth(scale * frame.depth, frame.truth, frame.column))
        error = np.abs(scale * frame.depth - frame.truth) / frame.truth
        # Baseline: either uniform areas or edges are uncertain, whichever is better.
        flat, edge = (sparsification_area(error, s * frame.gradient) for s in (-1.0, 1.0))
        areas.append((sparsification_area(error, frame.sigma), flat, edge))
        curves.append(sparsification(error, frame.sigma))
    own, flat_area, edge_area = np.mean(areas, 0)
    curve = np.mean(curves, 0)
    return {
        "median_scaled": mean_errors(scaled),
        "metric": mean_errors(plain),
        "constant": mean_errors([_constant(f) for f in frames]),
        "log_scale_mean": float(np.mean(scales)),
        "log_scale_spread": float(np.std(scales)),
        **errors_by_region(located),
        "sigma_median": float(np.median(np.concatenate([f.sigma for f in frames]))),
        "sparsification": {
            "shares": [round(float(s), 2) for s in SHARES],
            "abs_rel": [float(v) for v in curve],
            "falls": bool((np.diff(curve) <= 0).all()),
            "area": float(own),
            "area_of_gradient": float(min(flat_area, edge_area)),
        },
    }


def _constant(frame: EvaluatedFrame) -> DepthErrors:
    """Errors of a constant depth, median-scaled: the baseline without a network."""
    ones = np.ones_like(frame.truth)
    return depth_errors(ones, frame.truth, median_scale(ones, frame.truth))


def _cropped(frame: EvaluatedFrame) -> DepthErrors:
    """Errors inside the crop only, median-scaled there."""
    depth, truth = frame.depth[frame.inside], frame.truth[frame.inside]
    return depth_errors(depth, truth, median_scale(depth, truth))


@dataclass(frozen=True)
class _Image:
    """A rectified image with its camera, and the true depth with its own."""

    grey: np.ndarray
    calibration: Calibration
    truth: np.ndarray
    camera: Calibration


def evaluated_frames(
    model: DepthModel, source: DepthSource, root: Path
) -> Iterator[EvaluatedFrame]:
    """The images of the source that have a depth image of the same number."""
    for image in _images(source, root):
        grids = _predicted(model, image)
        with np.errstate(invalid="ignore"):
            known = (image.truth > _NEAREST) & (image.truth < _FURTHEST) & np.isfinite(grids[0])
        at = (np.asarray(g[known], np.float64) for g in (*grids, image.truth))
        log_depth, sigma, gradient, truth = at
        inside = _inside(source.crop, known.shape)[known]
        column = np.nonzero(known)[1] / known.shape[1]
        yield EvaluatedFrame(np.exp(log_depth), sigma, truth, gradient, column, inside)


def _inside(crop: Crop | None, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Mask (h, w) of the pixels inside the crop."""
    if crop is None:
        return np.ones(shape, np.bool_)
    top, bottom, left, right = crop
    v, u = np.arange(shape[0])[:, None] / shape[0], np.arange(shape[1]) / shape[1]
    return (top <= v) & (v < bottom) & (left <= u) & (u < right)


def evaluated_rows(
    model: DepthModel, source: DepthSource, root: Path, count: int = 2
) -> list[PanelRow]:
    """``count`` predictions, spread over the source, scaled to the median of the truth."""
    images = list(_images(source, root))
    rows = []
    for k in np.linspace(0, len(images) - 1, count + 2)[1:-1].round().astype(int):
        image = images[k]
        log_depth, sigma, _ = _predicted(model, image)
        with np.errstate(invalid="ignore"):
            known = (image.truth > _NEAREST) & (image.truth < _FURTHEST) & np.isfinite(log_depth)
        scale = median_scale(np.exp(log_depth[known]), image.truth[known])
        truth = np.where(known, image.truth, np.nan).astype(np.float32)
        depth = (scale * np.exp(log_depth)).astype(np.float32)
        rows.append(PanelRow(source.path.name, depth, sigma, truth))
    return rows


def _images(source: DepthSource, root: Path) -> Iterator[_Image]:
    folder = root / source.path
    sequence = open_images(folder)
    rectifier = Rectifier(sequence.calibration, FrontendConfig().working_pixels)
    files = depth_files(source, folder, sequence)
    for k in range(source.start, len(sequence.files), source.stride):
        if k not in files:
            continue
        truth = read_depth(files[k], source.depth_units)
        camera = depth_camera(source, sequence.calibration, truth.shape[1], truth.shape[0])
        grey = rectifier.rectify(read_image(sequence.files[k].path))
        yield _Image(grey, rectifier.calibration, truth, camera)


def _predicted(model: DepthModel, image: _Image) -> tuple[Grid, Grid, Grid]:
    """Log-depth, its standard deviation and the image gradient at the pixels of the true depth."""
    c = image.calibration
    grey = torch.from_numpy(image.grey).float()[None, None]
    log_depth, sigma = (g[0, 0].numpy() for g in model.predict(grey, c))
    h, w = log_depth.shape
    small = cv2.resize(image.grey, (w, h), interpolation=cv2.INTER_AREA).astype(np.float32)
    across, down = cv2.Sobel(small, cv2.CV_32F, 1, 0), cv2.Sobel(small, cv2.CV_32F, 0, 1)
    covered = Calibration(w * DEPTH_STRIDE, h * DEPTH_STRIDE, c.fx, c.fy, c.cx, c.cy)
    grid = covered.resized(w, h)
    log_depth, sigma, gradient = (
        _at_truth(g, grid, image.camera) for g in (log_depth, sigma, np.hypot(across, down))
    )
    return log_depth, sigma, gradient


def _at_truth(grid: Grid, grid_camera: Calibration, camera: Calibration) -> Grid:
    """A grid resampled to the pixels of the true depth, NaN outside it."""
    u = (np.arange(camera.width) - camera.cx) / camera.fx * grid_camera.fx + grid_camera.cx
    v = (np.arange(camera.height) - camera.cy) / camera.fy * grid_camera.fy + grid_camera.cy
    x, y = np.meshgrid(u.astype(np.float32), v.astype(np.float32))
    # The half cell beyond the outermost centres is inside the image.
    inside = (x > -0.5) & (x < grid.shape[1] - 0.5) & (y > -0.5) & (y < grid.shape[0] - 0.5)
    sampled = cv2.remap(grid, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.where(inside, sampled, np.float32(np.nan)).astype(np.float32)
