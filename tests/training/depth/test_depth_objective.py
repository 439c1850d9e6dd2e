import pytest
import torch

from denseba_ros.frontend.depth.depth_network import DepthOutput
from denseba_ros.training.depth.depth_augmentation import whole_view
from denseba_ros.training.depth.depth_batch import DepthBatch
from denseba_ros.training.depth.depth_losses import (
    MEASURED_LOSSES,
    SUPERVISIONS,
    MeasuredLoss,
    Supervision,
    berhu,
)
from denseba_ros.training.depth.depth_objective import (
    Objective,
    batch_loss,
    measured_loss,
    reprojection,
)
from denseba_ros.training.depth.depth_samples import SampleSet


def outputs_of(batch: DepthBatch, factor: float) -> list[DepthOutput]:
    """Four scales that say ``factor`` times the true depth."""
    truth = torch.log(factor * batch.depth.clamp(min=0.1))
    scales = [truth[..., :: 1 << k, :: 1 << k].clone().requires_grad_() for k in range(1, 5)]
    return [DepthOutput(s, torch.full_like(s, -1.0)) for s in scales]


@pytest.mark.parametrize("mode", SUPERVISIONS)
def test_the_truth_is_better_than_another_depth(
    mode: Supervision, room_sets: list[SampleSet]
) -> None:
    objective = Objective(mode)
    for samples in room_sets:
        batch = whole_view(samples.samples[0], samples.size)
        losses = [
            float(batch_loss(outputs_of(batch, f), batch, objective).detach())
            for f in (0.6, 1, 1.7)
        ]
        assert losses[1] < losses[0]
        assert losses[1] < losses[2]


@pytest.mark.parametrize("mode", SUPERVISIONS)
def test_gradients_are_finite(mode: Supervision, room_sets: list[SampleSet]) -> None:
    for samples in room_sets:
        batch = whole_view(samples.samples[1], samples.size)
        outputs = outputs_of(batch, 1.3)
        batch_loss(outputs, batch, Objective(mode, uncertainty=0.5)).backward()
        gradient = outputs[0].log_depth.grad
        assert gradient is not None
        assert bool(torch.isfinite(gradient).all())
        assert float(gradient.abs().sum()) > 0.0


def test_reprojection_without_views_is_infinite(room_sets: list[SampleSet]) -> None:
    batch = whole_view(room_sets[0].samples[0], (64, 64))
    error, counted = reprojection(batch.depth, batch)
    assert bool(torch.isinf(error).all())
    assert not bool(counted.any())


def test_uncertainty_beside_does_not_move_the_depth(room_sets: list[SampleSet]) -> None:
    batch = whole_view(room_sets[1].samples[0], (64, 64))
    gradients = []
    for weight in (0.0, 1.0):
        outputs = outputs_of(batch, 1.3)
        batch_loss(outputs, batch, Objective("hints", uncertainty=weight)).backward()
        gradients.append(outputs[0].log_depth.grad)
    torch.testing.assert_close(gradients[0], gradients[1])


@pytest.mark.parametrize("loss", MEASURED_LOSSES)
def test_a_measured_depth_is_better_than_another(
    loss: MeasuredLoss, room_sets: list[SampleSet]
) -> None:
    measured = next(s for s in room_sets if s.samples[0].measured)
    batch = whole_view(measured.samples[0], measured.size)
    objective = Objective(shape=0.0, smoothness=0.0, measured=loss)
    losses = [batch_loss(outputs_of(batch, f), batch, objective).item() for f in (0.8, 1.0, 1.2)]
    assert losses[1] < min(losses[0], losses[2])


def test_berhu_of_a_measured_depth_is_the_published_one_on_metres() -> None:
    depth = torch.tensor([[[[2.0, 4.0, 0.0, 8.0]]]])
    predicted = torch.tensor([[[[2.1, 4.0, 50.0, 6.0]]]])
    known = depth > 0
    objective = Objective(shape=0.0, measured="berhu")
    loss = measured_loss(predicted.log(), torch.zeros_like(depth), depth, objective)
    # The largest error is 2 m, so c = 0.4 m: 0.1 is linear, 2 is quadratic, of three known pixels.
    expected = (0.1 + 0.0 + (2.0**2 + 0.4**2) / 0.8) / 3
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    assert float(berhu(predicted, depth, known).sum() / 3) == pytest.approx(expected, rel=1e-5)


def test_berhu_learns_the_deviation_beside_the_depth() -> None:
    depth = torch.full((1, 1, 4, 4), 3.0)
    gradients = []
    for weight in (0.0, 1.0):
        log_depth = torch.full_like(depth, 1.0).requires_grad_()
        log_sigma = torch.full_like(depth, -1.0).requires_grad_()
        objective = Objective(shape=0.0, uncertainty=weight, measured="berhu")
        measured_loss(log_depth, log_sigma, depth, objective).backward()
        gradients.append((log_depth.grad, log_sigma.grad))
    torch.testing.assert_close(gradients[0][0], gradients[1][0])
    assert gradients[0][1] is None
    assert gradients[1][1] is not None
    assert float(gradients[1][1].abs().sum()) > 0.0
