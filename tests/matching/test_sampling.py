"""Weighted draws without replacement, and their straight-through gradient."""

from __future__ import annotations

import torch

from denseba_ros.matching.sampling import draw_samples, take


def test_samples_hold_different_matches() -> None:
    index, factor = draw_samples(torch.zeros(3, 9), 50, 5, torch.Generator().manual_seed(0))
    assert index.shape == (3, 50, 5)
    assert bool((index.sort(-1).values.diff(dim=-1) > 0).all())
    torch.testing.assert_close(factor, torch.ones_like(factor))


def test_first_draws_follow_the_softmax() -> None:
    logits = torch.tensor([[0.0, 1.0, 2.0]], dtype=torch.float64)
    index, _ = draw_samples(logits, 20_000, 1, torch.Generator().manual_seed(0))
    share = torch.bincount(index.flatten(), minlength=3) / 20_000
    torch.testing.assert_close(share.double(), torch.softmax(logits[0], 0), rtol=0, atol=0.02)


def test_the_same_seed_draws_the_same() -> None:
    logits = torch.randn(2, 30)
    one, _ = draw_samples(logits, 10, 5, torch.Generator().manual_seed(3))
    other, _ = draw_samples(logits, 10, 5, torch.Generator().manual_seed(3))
    assert torch.equal(one, other)


def test_gradient_raises_the_weight_of_what_helps() -> None:
    """The loss falls as the values drawn grow, so gradient descent favours the largest value."""
    logits = torch.zeros(1, 4, dtype=torch.float64, requires_grad=True)
    values = torch.tensor([[[1.0], [1.0], [1.0], [5.0]]], dtype=torch.float64)
    index, factor = draw_samples(logits, 500, 1, torch.Generator().manual_seed(0))
    loss = -(take(values, index) * factor[..., None]).mean()
    (gradient,) = torch.autograd.grad(loss, logits)
    assert int(gradient.argmin()) == 3
    assert float(gradient[0, 3]) < 0
