import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from denseba_ros.errors import ConfigurationError
from denseba_ros.training.depth.depth_objective import Objective
from denseba_ros.training.depth.depth_samples import SampleSet
from denseba_ros.training.depth.depth_training import DepthTrainer, DepthTraining

# Two steps of two images: a stop after the third step is in the middle of an epoch of five.
SETTINGS = DepthTraining(
    steps=5, batch=2, rate=1e-3, save_every=3, seed=4, objective=Objective("hints")
)


def test_a_stopped_training_ends_as_an_unbroken_one(
    room_sets: list[SampleSet], tmp_path: Path
) -> None:
    unbroken = DepthTrainer(room_sets, SETTINGS)
    unbroken.run(None)
    path = tmp_path / "checkpoint.pt"
    stopped = DepthTrainer(room_sets, SETTINGS)
    for _ in range(3):
        stopped.advance()
    stopped.save(path)
    torch.manual_seed(999)
    resumed = DepthTrainer(room_sets, SETTINGS)
    resumed.load(path)
    assert resumed.step == 3
    resumed.run(None)
    for name, tensor in unbroken.average.state_dict().items():
        assert torch.equal(resumed.average.state_dict()[name], tensor), name
    for name, tensor in unbroken.network.state_dict().items():
        assert torch.equal(resumed.network.state_dict()[name], tensor), name


def test_run_writes_log_and_checkpoint(room_sets: list[SampleSet], tmp_path: Path) -> None:
    checkpoint, log = tmp_path / "a" / "checkpoint.pt", tmp_path / "b" / "log.jsonl"
    network = DepthTrainer(room_sets, SETTINGS).run(checkpoint, log)
    assert not network.training
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert rows[-1]["step"] == 5
    assert rows[-1]["loss"] == pytest.approx(rows[-1]["loss"])
    # Nothing but the whole file is left.
    assert [p.name for p in checkpoint.parent.iterdir()] == ["checkpoint.pt"]


def test_it_learns(room_sets: list[SampleSet]) -> None:
    settings = replace(SETTINGS, steps=30, batch=4, rate=3e-3, objective=Objective("uncertainty"))
    trainer = DepthTrainer(room_sets[:1], settings)
    losses = [trainer.advance() for _ in range(30)]
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])


def test_it_begins_where_another_training_ended(room_sets: list[SampleSet]) -> None:
    first = DepthTrainer(room_sets, SETTINGS).run(None)
    second = DepthTrainer(room_sets, SETTINGS, begin=first)
    for name, tensor in first.state_dict().items():
        assert torch.equal(second.network.state_dict()[name], tensor), name
        assert torch.equal(second.average.state_dict()[name], tensor), name


def test_checkpoints_of_other_settings_are_refused(
    room_sets: list[SampleSet], tmp_path: Path
) -> None:
    path = tmp_path / "checkpoint.pt"
    DepthTrainer(room_sets, SETTINGS).save(path)
    with pytest.raises(ConfigurationError, match="other settings"):
        DepthTrainer(room_sets, replace(SETTINGS, rate=2e-3)).load(path)


@pytest.mark.parametrize("content", [None, b"", b"half a file"])
def test_broken_checkpoints_are_named(
    room_sets: list[SampleSet], tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "broken.pt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"broken\.pt"):
        DepthTrainer(room_sets, SETTINGS).load(path)
