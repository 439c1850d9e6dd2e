import torch

from denseba_ros.training.common.seeded_weights import seeded_weights


def test_the_seed_gives_the_weights_and_the_global_generator_stays() -> None:
    before = torch.get_rng_state()
    weights = []
    for seed in (3, 3, 4):
        with seeded_weights(seed):
            weights.append(torch.nn.Linear(4, 4).weight)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
