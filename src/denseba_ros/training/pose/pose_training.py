"""Training of the pose network on streams: truncated back-propagation through time.

Every process of a distributed training (torch.distributed) has its own stream; gradients are
averaged over the processes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel
from tqdm import tqdm

from denseba_ros.errors import ConfigurationError
from denseba_ros.frontend.pose.pose_convention import ned_from_optical
from denseba_ros.frontend.pose.pose_network import PoseNetwork, State
from denseba_ros.training.common.checkpoint import opened_checkpoint, save_checkpoint
from denseba_ros.training.common.json_lines_log import append_row
from denseba_ros.training.common.photometric_losses import fitted_brightness
from denseba_ros.training.common.seeded_weights import seeded_weights
from denseba_ros.training.common.weight_average import average
from denseba_ros.training.pose.pose_augmentation import PoseAugmentation, augmented
from denseba_ros.training.pose.pose_losses import pose_loss
from denseba_ros.training.streaming.image_reader import ImageReader
from denseba_ros.training.streaming.trajectory_stream import (
    ImageTrajectory,
    StreamSettings,
    StreamStep,
    TrajectoryStream,
)

# Ratio of the training in which the learning rate rises.
_RISE = 0.03


@dataclass(frozen=True)
class PoseTraining:
    """``chunks`` of ``stream.trajectory_length`` steps, through each of which gradients are
    back-propagated; the learning rate rises to ``rate`` and falls to zero as a cosine; ``average``:
    decay of the moving average of the weights, which is the result of a training; ``ned``: predict
    motions along NED axes; ``metric``: train the length of translations, too."""

    chunks: int = 1000
    rate: float = 1e-3
    average: float = 0.98
    save_every: int = 50
    ned: bool = False
    metric: bool = True
    augmentation: PoseAugmentation = field(default_factory=PoseAugmentation)
    stream: StreamSettings = field(default_factory=StreamSettings)

    def rate_at(self, chunk: int) -> float:
        """Learning rate of a chunk."""
        rise = min((chunk + 1) / (_RISE * self.chunks), 1.0)
        return rise * self.rate * 0.5 * (1.0 + math.cos(math.pi * chunk / self.chunks))


class PoseTrainer:
    """A training that can stop after any chunk, also within a trajectory, and resume."""

    def __init__(
        self,
        trajectories: Sequence[ImageTrajectory],
        reader: ImageReader,
        settings: PoseTraining,
        device: torch.device | None = None,
        begin: PoseNetwork | None = None,
    ) -> None:
        """``begin``: a network of an earlier training to initialise from, else a new one.

        Raises:
            ConfigurationError: when that network predicts motions along other axes.
        """
        if begin is not None and begin.ned != settings.ned:
            raise ConfigurationError("the weights to begin from have motions in other axes (--ned)")
        self.device = device or torch.device("cpu")
        self._trajectories, self._reader, self.settings = trajectories, reader, settings
        self._rank = dist.get_rank() if dist.is_initialized() else 0
        with seeded_weights(settings.stream.seed):
            network, mean = PoseNetwork(settings.ned), PoseNetwork(settings.ned)
        self.network: PoseNetwork = network.to(self.device)
        if begin is not None:
            self.network.load_state_dict(begin.state_dict())
        self.average: PoseNetwork = mean.to(self.device)
        self.average.load_state_dict(self.network.state_dict())
        self._shared: torch.nn.Module = self.network
        if dist.is_initialized():
            self._shared = DistributedDataParallel(self.network)
        self._optimiser = torch.optim.AdamW(self.network.parameters(), settings.rate)
        self._state = self.network.initial_state(settings.stream.batch_size)
        self._stream: TrajectoryStream | None = None
        self.chunk = 0
        # Mean error of the rotations of the last chunk, degrees.
        self.rotation = 0.0

    def advance(self) -> float:
        """Train on one chunk; returns its loss."""
        if self._stream is None:
            settings = self.settings.stream
            own = replace(settings, seed=settings.seed + 7919 * self._rank)
            begin = self.chunk * settings.trajectory_length
            self._stream = TrajectoryStream(self._trajectories, self._reader, own, begin)
        steps = [next(self._stream) for _ in range(self.settings.stream.trajectory_length)]
        self.network.train()
        loss = self._loss(steps)
        for group in self._optimiser.param_groups:
            group["lr"] = self.settings.rate_at(self.chunk)
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimiser.step()
        self.chunk += 1
        average(self.average, self.network, self.settings.average, self.chunk)
        return float(loss.detach())

    def _loss(self, steps: Sequence[StreamStep]) -> Tensor:
        current, intrinsics, T, known, first = (
            torch.stack([getattr(s, name) for s in steps], 1).to(self.device)
            for name in ("current", "intrinsics", "T_previous_current", "known", "first")
        )
        images = torch.cat([steps[0].previous[:, None].to(self.device), current], 1)
        stream = self.settings.stream
        if self.settings.augmentation.any:
            seed, begin = stream.seed + self._rank, self.chunk * stream.trajectory_length
            images, T = augmented(self.settings.augmentation, images, intrinsics, T, seed, begin)
        state: State
        output, state = self._shared(images, intrinsics, first, self._state)
        # Truncated back-propagation: no gradients into earlier chunks.
        self._state = (state[0].detach(), state[1].detach())
        if self.settings.ned:
            T = ned_from_optical(T)
        pairs = images[:, :-1].flatten(0, 1), images[:, 1:].flatten(0, 1)
        everywhere = torch.ones_like(pairs[0], dtype=torch.bool)
        affine = fitted_brightness(pairs[1], pairs[0], everywhere).reshape(*known.shape, 2)
        loss = pose_loss(output, T, affine, known, self.settings.metric)
        self.rotation = float(torch.rad2deg(loss.rotation))
        return loss.total

    def run(self, checkpoint: Path | None = None, log: Path | None = None) -> PoseNetwork:
        """Train to the end; each process writes its own checkpoint, the first one the log."""
        settings = self.settings
        bar = tqdm(
            total=settings.chunks,
            initial=self.chunk,
            desc="pose",
            unit="chunk",
            disable=True if self._rank else None,
        )
        while self.chunk < settings.chunks:
            loss = self.advance()
            bar.update()
            bar.set_postfix(loss=f"{loss:.3f}", degrees=f"{self.rotation:.3f}")
            if log is not None and self._rank == 0:
                row = {"chunk": self.chunk, "loss": loss, "rotation": self.rotation}
                append_row(log, {**row, "requests": self._reader.requests})
            last = self.chunk == settings.chunks
            if checkpoint is not None and (self.chunk % settings.save_every == 0 or last):
                self.save(checkpoint)
        self.close()
        return self.average.eval()

    def close(self) -> None:
        """Stop fetching."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def save(self, path: Path) -> None:
        """Write a checkpoint from which the training can resume, atomically."""
        state = {
            "chunk": self.chunk,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "state": self._state,
        }
        save_checkpoint(self._own(path), asdict(self.settings), state)

    def load(self, path: Path) -> None:
        """Resume from a checkpoint.

        Raises:
            ConfigurationError: when it is missing, broken, or of a training with other settings.
        """
        with opened_checkpoint(self._own(path), asdict(self.settings), self.device) as state:
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self._optimiser.load_state_dict(state["optimiser"])
            self._state = tuple(state["state"])
            self.chunk = int(state["chunk"])
        self.close()

    def _own(self, path: Path) -> Path:
        """The file of this process: each has its own lanes and recurrent state."""
        return path.with_name(f"{path.stem}.{self._rank}{path.suffix}") if self._rank else path
