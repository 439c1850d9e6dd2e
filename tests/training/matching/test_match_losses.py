"""What the weights are trained for, on pairs whose right matches are known."""

from __future__ import annotations

from typing import Any

import torch

from denseba_ros.training.matching.match_losses import (
    label_loss,
    labels,
    refined_loss,
    sampled_loss,
)
from denseba_ros.training.matching.match_pairs import stacked


def test_losses_through_the_solvers_prefer_the_right_matches(drawn_pairs: Any) -> None:
    batch = stacked([drawn_pairs().pair(1, k) for k in (2, 3)])
    right, _ = labels(batch)
    for loss in (
        lambda logits: refined_loss(batch, logits),
        lambda logits: sampled_loss(batch, logits, torch.Generator().manual_seed(0)),
    ):
        blind = torch.zeros(right.shape)
        assert float(loss(torch.where(right, 5.0, -5.0))) < float(loss(blind))
        logits = torch.where(right, 2.0, -2.0).requires_grad_()
        (gradient,) = torch.autograd.grad(loss(logits), logits)
        assert bool(torch.isfinite(gradient).all())
        assert bool((gradient.abs().amax(1) > 0).all())


def test_matches_that_are_neither_right_nor_wrong_do_not_count() -> None:
    right = torch.tensor([[True, False, False]])
    wrong = torch.tensor([[False, True, False]])
    logits = torch.tensor([[9.0, -9.0, 9.0]])
    assert float(label_loss(logits, right, wrong)) < 1e-3
    assert float(label_loss(-logits, right, wrong)) > 8.0


def test_labels_of_a_batch_are_those_of_its_pairs(drawn_pairs: Any) -> None:
    pairs = [drawn_pairs().pair(1, k) for k in (2, 3)]
    together = labels(stacked(pairs))
    for k, pair in enumerate(pairs):
        for one, all_of_them in zip(labels(pair), together, strict=True):
            assert torch.equal(one, all_of_them[k])
