from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from denseba_ros.errors import ConfigurationError
from denseba_ros.frontend.pose.pose_network import PoseNetwork
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.training.pose.pose_training import PoseTrainer, PoseTraining
from denseba_ros.training.streaming.image_reader import ImageReader
from denseba_ros.training.streaming.trajectory_stream import ImageTrajectory, StreamSettings

SETTINGS = PoseTraining(
    chunks=4,
    save_every=2,
    stream=StreamSettings(batch_size=2, trajectory_length=2, size=(48, 48), workers=2, seed=1),
)


def trajectories(folder: Path) -> list[ImageTrajectory]:
    """The six images of the room, twice."""
    sequence = open_sequence(folder, fps=1.0)
    truth = sequence.groundtruth()
    assert truth is not None
    locations = [str(p) for p in sorted((folder / "images").iterdir())]
    return [ImageTrajectory(locations, truth.T_world_camera, sequence.calibration)] * 2


def trainer(folder: Path, settings: PoseTraining = SETTINGS) -> PoseTrainer:
    return PoseTrainer(trajectories(folder), ImageReader(), settings)


@pytest.mark.parametrize("ned", [False, True])
def test_a_stopped_training_ends_as_an_unbroken_one(
    rgbd_folder: Path, tmp_path: Path, ned: bool
) -> None:
    settings = replace(SETTINGS, ned=ned)
    whole = trainer(rgbd_folder, settings).run()
    # Two chunks of two steps: in the middle of trajectories of six images.
    stopped, path = trainer(rgbd_folder, settings), tmp_path / "checkpoint.pt"
    stopped.advance()
    stopped.advance()
    stopped.save(path)
    stopped.close()
    resumed = trainer(rgbd_folder, settings)
    resumed.load(path)
    assert resumed.chunk == 2
    rest = resumed.run()
    for name, tensor in whole.state_dict().items():
        assert torch.equal(rest.state_dict()[name], tensor), name


def test_it_learns_and_logs(rgbd_folder: Path, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    trainer(rgbd_folder, replace(SETTINGS, chunks=40, rate=3e-3)).run(tmp_path / "c.pt", log)
    losses = [json.loads(row)["loss"] for row in log.read_text().splitlines()]
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])
    assert [p.name for p in tmp_path.glob("c*")] == ["c.pt"]


def test_it_goes_on_from_the_weights_of_another_training(rgbd_folder: Path) -> None:
    torch.manual_seed(5)
    earlier = PoseNetwork()
    later = PoseTrainer(trajectories(rgbd_folder), ImageReader(), SETTINGS, begin=earlier)
    for network in (later.network, later.average):
        for name, tensor in earlier.state_dict().items():
            assert torch.equal(network.state_dict()[name], tensor), name
    with pytest.raises(ConfigurationError, match="other axes"):
        PoseTrainer([], ImageReader(), replace(SETTINGS, ned=True), begin=earlier)


def test_other_settings_and_broken_files_are_refused(rgbd_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    trainer(rgbd_folder).save(path)
    with pytest.raises(ConfigurationError, match="other settings"):
        trainer(rgbd_folder, replace(SETTINGS, rate=5e-3)).load(path)
    path.write_bytes(b"half")
    with pytest.raises(ConfigurationError, match=r"checkpoint\.pt"):
        trainer(rgbd_folder).load(path)


def _process(rank: int, folder: Path, out: Path) -> None:
    torch.set_num_threads(1)
    store = dist.FileStore(str(out / "store"), 2)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    one = trainer(folder, replace(SETTINGS, chunks=2))
    network = one.run(out / "checkpoint.pt")
    torch.save(dict(network.named_parameters()), out / f"{rank}.pt")
    dist.destroy_process_group()


def test_two_processes_share_their_gradients(rgbd_folder: Path, tmp_path: Path) -> None:
    mp.spawn(_process, (rgbd_folder, tmp_path), nprocs=2)
    one, two = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1))
    alone = dict(trainer(rgbd_folder, replace(SETTINGS, chunks=2)).run().named_parameters())
    assert all(torch.equal(one[name], two[name]) for name in one)
    # The other process saw other lanes, so that the result is not that of one alone.
    assert any(not torch.equal(one[name], alone[name]) for name in one)
    assert (tmp_path / "checkpoint.pt").is_file()
    assert (tmp_path / "checkpoint.1.pt").is_file()
