"""Maps of the nodes with loops that the tests close."""

from __future__ import annotations

import pytest

from denseba_ros.global_map import open_map
from tests.nodes.map.mapping_system import MappingSystem, ToldSearch


@pytest.fixture
def told_search(monkeypatch: pytest.MonkeyPatch) -> type[ToldSearch]:
    """Maps that are opened search with this; no loops are told yet."""
    monkeypatch.setattr(ToldSearch, "closes", {}, raising=False)
    monkeypatch.setattr(ToldSearch, "hints", [], raising=False)
    monkeypatch.setattr(open_map, "LoopSearch", ToldSearch)
    monkeypatch.setattr(open_map, "make_feature_matcher", lambda device, seed: None)
    return ToldSearch


@pytest.fixture
def mapping_system() -> MappingSystem:
    return MappingSystem()
