"""The network treats matches as a set."""

from __future__ import annotations

import torch

from denseba_ros.matching.weight_network import WeightNetwork, sampling_logits


def inputs(matches: int) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(2, matches, c, generator=generator) for c in (2, 2, 3))


def test_any_number_of_matches() -> None:
    network = WeightNetwork()
    for matches in (1, 2, 300):
        logits = network(*inputs(matches))
        assert logits.shape == (2, matches)
        assert bool(torch.isfinite(logits).all())


@torch.no_grad()
def test_order_does_not_matter_but_company_does() -> None:
    torch.manual_seed(0)
    network = WeightNetwork()
    x = inputs(40)
    order = torch.randperm(40)
    shuffled = network(*(values[:, order] for values in x))
    torch.testing.assert_close(shuffled, network(*x)[:, order], rtol=1e-4, atol=1e-4)
    alone = network(*(values[:, :20] for values in x))
    assert float((alone - network(*x)[:, :20]).abs().max()) > 1e-3


def test_sure_matches_are_drawn_alike() -> None:
    drawn = torch.softmax(sampling_logits(torch.tensor([6.0, 12.0, -8.0])), 0)
    torch.testing.assert_close(drawn[0], drawn[1], rtol=0.01, atol=0)
    assert float(drawn[2]) < 1e-3
