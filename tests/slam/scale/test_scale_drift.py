"""A depth model that knows metres holds the map's scale: the filter alone, and in the system."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.config import Config
from denseba_ros.frontend.frame import UNKNOWN_DEPTH_SIGMA, DepthPrior, FrontendFrame
from denseba_ros.geometry import se3
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.slam.scale.scale_drift import ScaleDriftFilter
from denseba_ros.slam.state.estimate import Estimate, Tracking
from denseba_ros.slam.system import System
from tests.scaled_keyframe import TRUTH, keyframe

_CAMERA = Calibration(64, 48, 50.0, 50.0, 31.5, 23.5)
_PINHOLE = Pinhole(50.0, 50.0, 31.5, 23.5, 64, 48)
_SIGMA = 0.25
# Of the log scale, per depth travelled; the keyframes below are a quarter of the depth apart.
_DRIFT, _STEP = 0.03, 0.25


def keyframes(scale: float, step: float = _STEP) -> list[WindowKeyframe]:
    """Two, the second ``step`` times the median depth of its certain points from the first."""
    both = [keyframe(0, scale), keyframe(1, scale)]
    points = both[1].points
    away = torch.zeros(6, dtype=torch.float64)
    away[1] = step / points.inverse_depth[points.relative_sigma < 0.1].median()
    both[1].T = se3.exp(away)
    return both


def frame(log_error: float, sigma: float = _SIGMA, shape: float = 0.04) -> FrontendFrame:
    """The model's depth of the keyframe, too large by exp(log_error), with a slope across the image
    that is wrong by ``shape`` in the median."""
    slope = 2.0 * shape * torch.linspace(-1.0, 1.0, TRUTH.shape[1])
    log_depth = TRUTH + log_error + slope
    depth = DepthPrior.known(log_depth[None, None], torch.full((1, 1, *TRUTH.shape), sigma))
    return FrontendFrame(0, torch.zeros(1, 1, 48, 64), _CAMERA, depth)


def test_drift_is_corrected_and_model_errors_are_averaged() -> None:
    """Errors of 3 % from image to image, a map that shrinks by 0.2 % from keyframe to keyframe:
    without the filter it would end at 0.55."""
    generator = np.random.default_rng(0)
    anchor = ScaleDriftFilter(_DRIFT)
    scale, scales = 1.0, []
    for _ in range(300):
        scale *= math.exp(-0.002)
        seen = frame(float(generator.normal(0.0, 0.03)))
        scale *= math.exp(anchor.log_correction(_PINHOLE, keyframes(scale), seen))
        scales.append(math.log(scale))
    assert np.abs(scales).max() < 0.15
    # From there on the drift is followed as fast as it goes.
    assert np.ptp(scales[150:]) < 0.08


def test_a_model_that_wanders_does_not_move_the_map() -> None:
    """15 % over ten keyframes, a twentieth of the depth apart, as indoors."""
    generator, error = np.random.default_rng(1), 0.0
    anchor, scale, scales = ScaleDriftFilter(_DRIFT), 1.0, []
    for _ in range(150):
        error = 0.9 * error + float(generator.normal(0.0, 0.07))
        seen = frame(error, shape=0.1)
        scale *= math.exp(anchor.log_correction(_PINHOLE, keyframes(scale, 0.05), seen))
        scales.append(math.log(scale))
    assert np.abs(scales).max() < 0.04


def test_what_the_model_says_at_the_start_is_metric_scale_and_no_drift() -> None:
    """A map that is half as large as the model says, from the first keyframe on."""
    anchor, scale = ScaleDriftFilter(_DRIFT), 0.5
    for _ in range(60):
        scale *= math.exp(anchor.log_correction(_PINHOLE, keyframes(scale), frame(0.0)))
    assert scale == pytest.approx(0.5, rel=0.08)
    metric = anchor.scale.metric
    assert metric.factor > 1.4
    assert abs(metric.log_factor - math.log(2.0)) < 2.0 * metric.sigma


def test_where_the_shape_is_wrong_the_metric_scale_is_known_less() -> None:
    sigmas = []
    for shape in (0.04, 0.3):
        anchor = ScaleDriftFilter(_DRIFT)
        for _ in range(30):
            anchor.log_correction(_PINHOLE, keyframes(1.0), frame(0.0, shape=shape))
        sigmas.append(anchor.scale.metric.sigma)
    assert 0.2 < sigmas[0] < 0.3
    assert sigmas[1] > 0.6


def test_after_a_reset_it_knows_as_little_as_a_new_one() -> None:
    anchor = ScaleDriftFilter(_DRIFT)
    first = [anchor.update(0.02 * k, 0.04, 0.25) for k in range(5)]
    assert first[-1] != 0.0
    anchor.reset()
    assert not anchor.scale.metric.is_known
    assert [anchor.update(0.02 * k, 0.04, 0.25) for k in range(5)] == first


def test_the_start_is_the_unit_and_doubt_comes_with_the_way() -> None:
    anchor = ScaleDriftFilter(_DRIFT)
    assert anchor.scale.drift_sigma == 0.0
    anchor.update(0.3, 0.04, 0.0)
    assert anchor.scale.drift_sigma == 0.0
    sigmas = []
    for _ in range(4):
        anchor.update(0.3, 0.04, 0.25)
        sigmas.append(anchor.scale.drift_sigma)
    assert 0.0 < sigmas[0] < sigmas[-1] < _DRIFT


@pytest.mark.parametrize("step", [0.05, 0.5])
def test_the_doubt_does_not_depend_on_how_many_keyframes_share_the_way(step: float) -> None:
    anchor = ScaleDriftFilter(_DRIFT)
    for _ in range(round(2.0 / step)):
        anchor.log_correction(_PINHOLE, keyframes(1.0, step), frame(0.0, sigma=1.0))
    assert anchor.scale.drift_sigma == pytest.approx(_DRIFT * math.sqrt(2.0), rel=1e-6)


def test_a_new_map_is_brought_to_the_scale_of_the_lost_one() -> None:
    """The model is off by a fifth in this world. The new map, at the model's scale, is not at that
    of the map before; the doubt of that shrinks as the model tells it."""
    anchor = ScaleDriftFilter(_DRIFT)
    for _ in range(60):
        anchor.log_correction(_PINHOLE, keyframes(1.0), frame(0.2))
    anchor.begin_map()
    assert anchor.scale.drift_sigma >= 0.3
    scale = math.exp(0.2)
    for _ in range(12):
        scale *= math.exp(anchor.log_correction(_PINHOLE, keyframes(scale), frame(0.2)))
    assert scale == pytest.approx(1.0, abs=0.08)
    assert anchor.scale.drift_sigma < 0.15


def test_without_a_model_the_doubt_of_a_new_map_stays() -> None:
    anchor = ScaleDriftFilter(_DRIFT)
    anchor.begin_map()
    for _ in range(12):
        assert anchor.log_correction(_PINHOLE, keyframes(2.0), frame(0.0, sigma=1.0)) == 0.0
    assert anchor.scale.drift_sigma >= 0.3
    assert anchor.scale.metric.sigma == pytest.approx(1.0)


def test_a_window_that_begins_anew_may_have_another_scale() -> None:
    anchor = ScaleDriftFilter(_DRIFT)
    for _ in range(30):
        anchor.log_correction(_PINHOLE, keyframes(1.0), frame(0.0))
    anchor.begin_window()
    assert anchor.scale.drift_sigma == pytest.approx(0.05)
    said = anchor.log_correction(_PINHOLE, keyframes(0.94), frame(0.0))
    assert 0.005 < said < 0.06


def test_a_ratio_far_outside_moves_little() -> None:
    anchor = ScaleDriftFilter(_DRIFT)
    for _ in range(50):
        anchor.log_correction(_PINHOLE, keyframes(1.0), frame(0.0))
    assert abs(anchor.log_correction(_PINHOLE, keyframes(1.0), frame(5.0))) < 0.02


def test_a_camera_that_travels_little_keeps_its_scale() -> None:
    """After many images that agreed, twenty say a tenth more."""
    kept = []
    for step in (0.0, _STEP, 2.0 * _STEP):
        anchor, scale = ScaleDriftFilter(_DRIFT), 1.0
        for k in range(60):
            if k == 40:
                before = scale
            seen = frame(0.0 if k < 40 else 0.1)
            scale *= math.exp(anchor.log_correction(_PINHOLE, keyframes(scale, step), seen))
        kept.append(math.log(scale / before))
    assert kept[0] == 0.0
    assert 0.01 < kept[1] < kept[2] < 0.1


def test_a_sharp_model_tells_the_metric_scale_by_its_own_deviation() -> None:
    """The map takes its metres over once; then it is a prior of every point by itself."""
    anchor = ScaleDriftFilter(_DRIFT)
    corrections = [
        anchor.log_correction(_PINHOLE, keyframes(0.5), frame(0.0, 0.1)) for _ in range(2)
    ]
    assert corrections == [pytest.approx(math.log(2.0), abs=0.02), 0.0]
    assert anchor.scale.metric.sigma == pytest.approx(0.1)
    assert anchor.scale.drift_sigma == 0.0
    for _ in range(4):  # keyframes without a depth
        assert (
            anchor.log_correction(_PINHOLE, keyframes(1.0), frame(0.0, UNKNOWN_DEPTH_SIGMA)) == 0.0
        )
    drifted = math.hypot(0.1, _DRIFT * math.sqrt(4 * _STEP))
    assert anchor.scale.metric.sigma == pytest.approx(drifted, rel=0.01)


@pytest.mark.parametrize(("drift", "sigma"), [(0.0, _SIGMA), (_DRIFT, 1.0)])
def test_without_a_metric_model_the_scale_is_unchanged(drift: float, sigma: float) -> None:
    """Switched off; a model of no scale."""
    assert (
        ScaleDriftFilter(drift).log_correction(_PINHOLE, keyframes(0.5), frame(0.0, sigma)) == 0.0
    )


def test_there_is_no_scale_without_certain_points() -> None:
    uncertain = keyframes(0.5)
    uncertain[-1].points.relative_sigma[:] = 0.5
    assert ScaleDriftFilter(_DRIFT).log_correction(_PINHOLE, uncertain, frame(0.0)) == 0.0


class _Metric:
    """The rendered depth, times exp(``log_error``), of the image that was set."""

    name = "metric"

    def __init__(self, room: Any) -> None:
        self._room = room
        self.index = 0
        self.log_error = 0.0

    def predict(self, image: Tensor, calibration: Calibration) -> tuple[Tensor, Tensor]:
        depth = self._room.sequence.depth(self.index)[2::4, 2::4]
        log_depth = torch.from_numpy(np.log(depth)).float()[None, None] + self.log_error
        return log_depth, torch.full_like(log_depth, _SIGMA)


class _Drive:
    """The system over images of the room in any order, and what it said."""

    def __init__(self, room: Any, drift: float, max_flow: float = 0.02) -> None:
        self._room = room
        values: dict[str, Any] = {
            "device": "cpu",
            "frontend": {"scale_drift": drift},
            "keyframes": {"max_flow": max_flow},
            "tracker": {"relocalise": False},
        }
        self._system = System(Config.from_dict(values), room.sequence.calibration)
        self._model = _Metric(room)
        self._system.frontend.depth_model = self._model
        self._noise = np.random.default_rng(0)
        self._true: list[np.ndarray] = []
        self.said: list[Estimate] = []

    def __call__(self, index: int | None, log_error: float = 0.0) -> Estimate:
        """Image ``index``, or one of noise; what the model says of it is off by ``log_error``."""
        self._model.index, self._model.log_error = index or 0, log_error
        image = self._room.images[index or 0]
        if index is None:
            image = self._noise.integers(0, 256, image.shape, dtype=np.uint8)
        first, second = self._room.stamps_ns[:2]
        stamp = first + (second - first) * len(self.said)
        self._true.append(self._room.sequence.pose(index or 0)[:3, 3])
        self.said.append(self._system.process(stamp, image))
        return self.said[-1]

    @property
    def drift_sigma(self) -> float:
        """Deviation of the map's scale that the pose's covariance has now."""
        return self._system._pose._path.scale_sigma

    def path_ratio(self, count: int, end: int | None = None) -> float:
        """Length of the path over ``count`` images, the last before ``end``, over the true one."""
        said = [e.T_world_camera[:3, 3] for e in self.said]
        both = [np.array(path)[:end][-count:] for path in (said, self._true)]
        steps = [np.diff(path, axis=0) for path in both]
        lengths = [np.linalg.norm(step, axis=1).sum() for step in steps]
        return float(lengths[0] / lengths[1])

    def speed_ratio(self) -> float:
        """Velocity said with the last image, over the true one."""
        true = np.linalg.norm(self._true[-1] - self._true[-2])
        seconds = (self.said[-1].stamp_ns - self.said[-2].stamp_ns) * 1e-9
        return float(np.linalg.norm(self.said[-1].twist[:3]) * seconds / true)


@pytest.mark.slow
@pytest.mark.parametrize(("drift", "scale", "tolerance"), [(0.0, 1.0, 0.05), (2.0, 1.5, 0.12)])
def test_the_maps_scale_converges_to_the_models(
    room: Any, drift: float, scale: float, tolerance: float
) -> None:
    """In metres from the start; where the model changes its mind the map goes along, or does not
    where the anchor is off. Odometry stays whole: no step is longer than the others."""
    drive = _Drive(room, drift)
    for index in range(len(room.images)):
        drive(index, 0.4 if index > 15 else 0.0)
    assert drive.path_ratio(10) == pytest.approx(scale, abs=tolerance)


def test_when_the_map_grows_the_velocity_grows_with_it(room: Any) -> None:
    """At once: with the very keyframe that brings the map to a scale that is half as large again,
    as the next image is looked for where that velocity leads."""
    drive = _Drive(room, 10.0)
    speeds = []
    for index in range(len(room.images)):
        estimate = drive(index, 0.4 if index > 15 else 0.0)
        if index > 10:
            speeds.append(drive.speed_ratio())
        if index > 15 and estimate.is_keyframe:
            break
    assert speeds[:-1] == pytest.approx([1.0] * len(speeds[:-1]), abs=0.1)
    assert speeds[-1] == pytest.approx(math.exp(0.4), rel=0.1)


def test_a_new_map_after_a_loss_has_the_scale_of_the_first(room: Any) -> None:
    """The model is off by exp(0.3) all the time. The doubt of the new map's scale shrinks again."""
    drive = _Drive(room, 0.05, 0.012)
    for index in (*range(38, 22, -1), *[None] * 9):
        drive(index, 0.3)
    before = drive.path_ratio(18, end=-10)
    sigmas = []
    for index in range(24):
        drive(index, 0.3)
        sigmas.append(drive.drift_sigma)
    assert drive.said[-1].tracking is Tracking.TRACKING
    assert drive.path_ratio(6) == pytest.approx(before, rel=0.15)
    assert max(sigmas) >= 0.3
    assert sigmas[-1] < 0.2
