"""Where figures come from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from denseba_ros.benchmark import provenance


def test_a_checkout_names_its_commit_and_the_machine() -> None:
    found = provenance.provenance(0.5)
    assert re.fullmatch(r"[0-9a-f]{7}\+?|not a checkout", found["commit"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", found["date"])
    assert found["machine"]["cpu"]
    assert found["machine"]["load_before"] == 0.5
    assert 0.1 < found["machine"]["loop_ms"] < 10_000.0
    assert "torch" in found["versions"]


def test_an_installed_package_has_no_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    assert provenance.present_commit() == "not a checkout"
