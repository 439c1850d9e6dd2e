"""Measured rotations between neighbours: gradient, Hessian, and what is left at marginalisation."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from denseba_ros.backend.rotation_links import MeasuredTurn, RotationLinks
from denseba_ros.geometry import se3

K = 4


def _poses(seed: int) -> Tensor:
    xi = np.random.default_rng(seed).normal(size=(K, 6)) * ([1.0] * 3 + [0.8] * 3)
    return se3.exp(torch.from_numpy(xi))


def _links(T: Tensor, error: float, seed: int = 1) -> RotationLinks:
    """Between poses (K, 4, 4), off by ``error`` rad per axis; nothing from frame 1 to 2."""
    rng = np.random.default_rng(seed)
    R = T[:, :3, :3].numpy()
    turns: list[MeasuredTurn | None] = []
    for k in range(K - 1):
        off = Rotation.from_rotvec(rng.normal(0, error, 3)).as_matrix()
        turns.append(MeasuredTurn(off @ R[k + 1] @ R[k].T, 0.01 * (k + 1)))
    turns[1] = None
    links = RotationLinks.stacked(turns, torch.device("cpu"))
    assert links is not None
    return links


def _numeric(links: RotationLinks, T: Tensor) -> np.ndarray:
    gradient, h = np.zeros(8 * K), 1e-6
    for frame in range(K):
        for axis in range(6):
            energies = []
            for sign in (1.0, -1.0):
                xi = torch.zeros(K, 6, dtype=torch.float64)
                xi[frame, axis] = sign * h
                energies.append(float(links.energy(se3.exp(xi) @ T)))
            gradient[8 * frame + axis] = (energies[0] - energies[1]) / (2 * h)
    return gradient


def test_gradient_is_that_of_the_energy() -> None:
    T = _poses(0)
    links = _links(T, 1e-4)
    expected = _numeric(links, T)
    assert np.abs(expected).max() > 0.5
    _, b = links.equations(T)
    np.testing.assert_allclose(b.numpy(), expected, atol=2e-3 * np.abs(expected).max())


def test_one_step_leads_to_what_was_measured() -> None:
    T = _poses(2)
    links = _links(T, 0.02)
    H, b = links.equations(T)
    step = -torch.linalg.pinv(H) @ b
    after = se3.exp(step.reshape(K, 8)[:, :6]) @ T
    assert float(links.energy(after)) < 1e-3 * float(links.energy(T))


def test_a_turn_of_the_world_costs_nothing() -> None:
    T = _poses(3)
    links = _links(T, 0.02)
    world = se3.exp(torch.tensor([1.0, 2.0, 3.0, 0.5, -0.4, 0.3], dtype=torch.float64))
    assert torch.allclose(links.energy(T @ world), links.energy(T))
    H, _ = links.equations(T)
    turned = torch.zeros(K, 8, dtype=torch.float64)
    turned[:, 3:6] = T[:, :3, 0]  # about x of the world
    linked = turned.clone()
    linked[2:] = 0.0  # nothing links frame 1 to 2
    good = _links(T, 0.0)
    H, _ = good.equations(T)
    assert float((H @ turned.reshape(-1)).abs().max()) < 1e-9 * float(H.abs().max())
    assert float((H @ linked.reshape(-1)).abs().max()) < 1e-9 * float(H.abs().max())


def test_touching() -> None:
    links = _links(_poses(4), 0.01)
    assert links.touching(0).information.tolist() == [10_000.0, 0.0, 0.0]
    last = torch.tensor([0, 0, 1])
    assert torch.allclose(links.touching(3).information, links.information * last)
    assert RotationLinks.stacked([None, None], torch.device("cpu")) is None


def test_a_turn_fits_rotations_within_its_deviation_and_that_of_the_images() -> None:
    turn = MeasuredTurn(Rotation.from_rotvec([0.1, 0.2, -0.1]).as_matrix(), 0.002)

    def turned(by: float) -> np.ndarray:
        R: np.ndarray = Rotation.from_rotvec([0.0, by, 0.0]).as_matrix() @ turn.R_later_earlier
        return R

    np.testing.assert_allclose(turn.off(turned(0.03)), [0.0, 0.03, 0.0], atol=1e-12)
    assert turn.fits(turned(0.008))
    assert not turn.fits(turned(0.015))
    assert turn.fits(turned(0.015), 0.01**2 * np.eye(3))
