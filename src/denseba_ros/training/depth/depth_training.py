"""Training of the depth network: optimisation steps, weight average, checkpoints, log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from tqdm import tqdm

from denseba_ros.frontend.depth.depth_network import DepthNetwork
from denseba_ros.training.common.checkpoint import opened_checkpoint, save_checkpoint
from denseba_ros.training.common.json_lines_log import append_row
from denseba_ros.training.common.seeded_weights import seeded_weights
from denseba_ros.training.common.weight_average import average
from denseba_ros.training.depth.depth_augmentation import draw_batch
from denseba_ros.training.depth.depth_objective import Objective, batch_loss
from denseba_ros.training.depth.depth_samples import SampleSet

# The encoder is pretrained: its learning rate is smaller than the decoder's by this factor.
_ENCODER_RATE = 0.3
_LOG_EVERY = 20


@dataclass(frozen=True)
class DepthTraining:
    """``steps`` of ``batch`` images; one-cycle learning rate up to ``rate``; ``average`` is the
    decay of the moving average of the weights, which is the result of a training."""

    steps: int = 3000
    batch: int = 8
    rate: float = 1e-3
    weight_decay: float = 1e-2
    average: float = 0.998
    save_every: int = 100
    seed: int = 0
    objective: Objective = field(default_factory=Objective)


class DepthTrainer:
    """A training that can stop after any step and resume from its checkpoint."""

    def __init__(
        self,
        sets: Sequence[SampleSet],
        settings: DepthTraining,
        encoder: dict[str, torch.Tensor] | None = None,
        device: torch.device | None = None,
        begin: DepthNetwork | None = None,
    ) -> None:
        """``encoder``: pretrained weights of the classifier, else random ones; ``begin``: a whole
        network to initialise from instead."""
        self.sets, self.settings = sets, settings
        self.device = device or torch.device("cpu")
        with seeded_weights(settings.seed):
            network, self.average = DepthNetwork(), DepthNetwork()
        if encoder is not None:
            network.encoder.load_classifier(encoder)
        # Channels last: depthwise convolutions are twice as fast on a CPU.
        if begin is not None:
            network.load_state_dict(begin.state_dict())
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network: DepthNetwork = network.to(self.device)
        self.average = self.average.to(self.device)
        self.average.load_state_dict(network.state_dict())
        self._optimiser, self._schedule = _optimiser(self.network, settings)
        self.step = 0

    def advance(self) -> float:
        """One optimisation step; returns its loss."""
        self.network.train()
        settings = self.settings
        batch = draw_batch(self.sets, settings.batch, settings.seed, self.step).to(self.device)
        loss = batch_loss(
            self.network(batch.network_image, batch.intrinsics), batch, self.settings.objective
        )
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimiser.step()
        self._schedule.step()
        self.step += 1
        average(self.average, self.network, settings.average, self.step)
        return float(loss.detach())

    def run(self, checkpoint: Path | None, log: Path | None = None) -> DepthNetwork:
        """Train to the end, with checkpoints and a log of JSON lines; returns the average."""
        settings = self.settings
        bar = tqdm(total=settings.steps, initial=self.step, desc="depth", unit="step", disable=None)
        losses: list[float] = []
        while self.step < settings.steps:
            losses.append(self.advance())
            bar.update()
            if self.step % _LOG_EVERY == 0 or self.step == settings.steps:
                mean = sum(losses) / len(losses)
                bar.set_postfix(loss=f"{mean:.3f}")
                rate = self._schedule.get_last_lr()[1]
                append_row(log, {"step": self.step, "loss": mean, "rate": rate})
                losses = []
            if checkpoint is not None and (
                self.step % settings.save_every == 0 or self.step == settings.steps
            ):
                self.save(checkpoint)
        return self.average.eval()

    def save(self, path: Path) -> None:
        """Write a checkpoint from which the training can resume, atomically."""
        state = {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "schedule": self._schedule.state_dict(),
        }
        save_checkpoint(path, asdict(self.settings), state)

    def load(self, path: Path) -> None:
        """Resume from a checkpoint.

        Raises:
            ConfigurationError: when it is missing, broken, or of a training with other settings.
        """
        with opened_checkpoint(path, asdict(self.settings), self.device) as state:
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self._optimiser.load_state_dict(state["optimiser"])
            self._schedule.load_state_dict(state["schedule"])
            self.step = int(state["step"])


def _optimiser(
    network: DepthNetwork, settings: DepthTraining
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.OneCycleLR]:
    """Optimiser with a smaller rate for the encoder, and its one-cycle schedule."""
    encoder = list(network.encoder.parameters())
    known = {id(p) for p in encoder}
    decoder = [p for p in network.parameters() if id(p) not in known]
    rates = [_ENCODER_RATE * settings.rate, settings.rate]
    groups = [{"params": encoder, "lr": rates[0]}, {"params": decoder, "lr": rates[1]}]
    optimiser = torch.optim.AdamW(groups, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rates, max(settings.steps, 2), pct_start=0.1, cycle_momentum=False
    )
    return optimiser, schedule
