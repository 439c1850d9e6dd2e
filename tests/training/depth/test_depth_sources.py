from pathlib import Path

import pytest

from denseba_ros.errors import ConfigurationError
from denseba_ros.training.depth.depth_sources import read_sources


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "sources.yaml"
    path.write_text(text)
    return path


def test_sources_of_a_file(tmp_path: Path) -> None:
    text = (
        "- {kind: stereo, path: drive, baseline: 0.5, stop: 250}\n- {kind: room, seeds: [1, 2]}\n"
    )
    drive, room = read_sources(written(tmp_path, text))
    assert (drive.kind, drive.path, drive.baseline, drive.stop) == (
        "stereo",
        Path("drive"),
        0.5,
        250,
    )
    assert room.seeds == (1, 2)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a list of sources"),
        ("kind: room", "not a list of sources"),
        ("- {kind: lidar}", "kind"),
        ("- {kind: rgbd, colour: red}", "colour"),
        ("- {kind: rgbd, intrinsics: [1, 2]}", "intrinsics"),
        ("- {kind: stereo, path: drive}", "needs a baseline"),
        ("- {kind: video, path: drive}", "needs neighbours"),
        ("- [", "sources.yaml"),
    ],
)
def test_wrong_arguments_are_named_in_the_error(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        read_sources(written(tmp_path, text))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone\.yaml"):
        read_sources(tmp_path / "gone.yaml")
