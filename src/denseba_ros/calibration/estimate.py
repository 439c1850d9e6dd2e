"""The camera of a clip: sections chosen, put together, adjusted, and what they say combined."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from tqdm import tqdm

from denseba_ros.calibration.adjustment import Adjusted, adjust
from denseba_ros.calibration.projection import as_calibration
from denseba_ros.calibration.reconstruction import Reconstruction, Section, load_pycolmap
from denseba_ros.calibration.structure import Floats
from denseba_ros.calibration.usual_cameras import (
    UsualCamera,
    is_unusual,
    plain_camera,
    usual_camera,
)
from denseba_ros.calibration.view_selection import choose_views
from denseba_ros.errors import SequenceError
from denseba_ros.geometry.calibration import Calibration, DistortionModel
from denseba_ros.sequences.sequence import StampedImage

# Sections at most, and how many are taken where they determine the focal length: to such a share.
VIEWS, SECTIONS, ENOUGH = 36, 4, 2
DETERMINED = 0.03
_ROUNDS, _SETTLED = 3, 0.002
# An unusual camera must explain so many times what a plain one does.
_CLEARLY = 1.1


@dataclass(frozen=True)
class CameraEstimate:
    """A camera (8,) in the order of ``projection.NAMES`` with its ``covariance`` (8, 8).

    ``usual`` (8,) are the deviations before the images were seen, infinite for the focal length;
    ``sections`` what each section of ``views`` images said alone.
    """

    model: DistortionModel
    size: tuple[int, int]
    camera: Floats
    covariance: Floats
    usual: Floats
    sections: tuple[Adjusted, ...]
    views: int

    @property
    def deviation(self) -> Floats:
        """Of each parameter (8,)."""
        deviation: Floats = np.sqrt(np.diag(self.covariance))
        return deviation

    @property
    def is_determined(self) -> bool:
        """Whether the focal length is known well enough to be used."""
        return bool(self.deviation[0] <= DETERMINED * self.camera[0])

    @property
    def calibration(self) -> Calibration:
        """As camera_info has it."""
        return as_calibration(self.model, self.camera, self.size)


def estimate_camera(
    frames: Iterable[StampedImage],
    size: tuple[int, int],
    model: DistortionModel = "plumb_bob",
    views: int = VIEWS,
    sections: int = SECTIONS,
) -> CameraEstimate:
    """The camera that took ``frames`` of ``size`` (width, height).

    Args:
        frames: in the order of time, of one camera and one zoom.
        size: width and height of the images.
        model: "plumb_bob" or "equidistant".
        views: images of a section.
        sections: sections at most; a short clip has one, and of those that determine the focal
            length two are enough.

    Raises:
        SequenceError: when the camera hardly moves or no section can be put together.
        ConfigurationError: without pycolmap.
    """
    load_pycolmap()
    adjusted: list[Adjusted] = []
    used, failure = 0, None
    with TemporaryDirectory(prefix="denseba_calibrate_") as folder:
        images = Path(folder) / "images"
        images.mkdir()
        chosen = choose_views(frames, images, views, sections)
        for number, section in enumerate(tqdm(chosen, desc="sections", disable=None)):
            work = Path(folder) / f"section{number}"
            work.mkdir()
            paths = [view.path for view in section]
            try:
                matched = Section(paths, work, size, model)
                start = adjusted[0].camera if adjusted else None
                one, count = _camera_of(matched, size, model, start)
            except SequenceError as error:
                failure = error
                continue
            adjusted.append(one)
            used += count
            if len(adjusted) >= ENOUGH and combined(adjusted, size, model, used).is_determined:
                break
    if not adjusted:
        raise failure or SequenceError("no section could be put together")
    return combined(adjusted, size, model, used)


def _camera_of(
    section: Section,
    size: tuple[int, int],
    model: DistortionModel,
    start: Floats | None = None,
) -> tuple[Adjusted, int]:
    """The camera of a section, and how many images were put together.

    A reconstruction leaves out what does not fit its camera, so it is made anew with the one that
    was found until that stays; the one that explains most is taken. ``start`` is the camera that
    another section found, as one alone may begin far off; what few cameras have must explain
    clearly more than a plain one does.
    """
    found = None if start is None else section.reconstruct_with(start)
    best = _settled(section, found or section.reconstruct(), size, model)
    if is_unusual(best[0].camera, size):
        again = section.reconstruct_with(plain_camera(size))
        if again is not None:
            other = _settled(section, again, size, model)
            if _explained(best[0]) < _CLEARLY * _explained(other[0]):
                best = other
    return best


def _settled(
    section: Section, found: Reconstruction, size: tuple[int, int], model: DistortionModel
) -> tuple[Adjusted, int]:
    """The camera of a section by a first reconstruction, and how many images it has."""
    prior = usual_camera(model, size, float(found.camera[0]))
    last = adjust(found.structure, found.camera, model, prior)
    best, count = last, len(found.structure.T_camera_world)
    for _ in range(_ROUNDS):
        again = section.reconstruct_with(last.camera)
        if again is None:
            break
        before, last = last, adjust(again.structure, last.camera, model, prior)
        if _explained(last) > _explained(best):
            best, count = last, len(again.structure.T_camera_world)
        if abs(last.camera[0] / before.camera[0] - 1.0) < _SETTLED:
            break
    return best, count


def _explained(adjusted: Adjusted) -> float:
    """The more observations fit, and the better, the more: some reconstructions have a wrong part
    that no camera mends."""
    return adjusted.observations / adjusted.noise


def combined(
    adjusted: list[Adjusted], size: tuple[int, int], model: DistortionModel, views: int
) -> CameraEstimate:
    """The mean of what the sections say, by their information; where they contradict each other
    the deviations grow by as much (Birge, Physical Review 40, 1932)."""
    prior = usual_camera(model, size, float(np.median([one.camera[0] for one in adjusted])))
    camera, covariance = _mean(adjusted, prior, 1.0)
    trust = 1.0 / _contradiction(adjusted, camera, prior)
    if trust < 1.0:
        camera, covariance = _mean(adjusted, prior, trust)
    usual = np.concatenate([[np.inf, np.inf], prior.deviation[1:]])
    return CameraEstimate(model, size, camera, covariance, usual, tuple(adjusted), views)


def _mean(adjusted: list[Adjusted], prior: UsualCamera, trust: float) -> tuple[Floats, Floats]:
    """Camera (8,) and covariance (8, 8) where the images' information counts ``trust`` times."""
    known = prior.information()
    expected = prior.rows.T @ (prior.value / prior.deviation**2)
    # Every section's camera has the prior in it, which counts once.
    told = expected + trust * sum(
        (one.information + known) @ one.camera - expected for one in adjusted
    )
    information = known + trust * sum(one.information for one in adjusted)
    covariance = np.asarray(np.linalg.inv(information), np.float64)
    camera: Floats = covariance @ told
    return camera, covariance


def _contradiction(adjusted: list[Adjusted], camera: Floats, prior: UsualCamera) -> float:
    """Squared scatter of the focal lengths in units of their deviations, 1 at least."""
    if len(adjusted) < 2:
        return 1.0
    errors = [
        (one.camera[0] - camera[0]) ** 2
        / np.linalg.inv(one.information + prior.information())[0, 0]
        for one in adjusted
    ]
    return max(1.0, float(np.sum(errors)) / (len(adjusted) - 1))
