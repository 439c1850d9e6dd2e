"""Shipped files are found in a checkout and under an installation's prefix."""

from __future__ import annotations

from pathlib import Path

import pytest

from denseba_ros import resources
from denseba_ros.errors import ConfigurationError


def module_at(folder: Path) -> Path:
    folder.mkdir(parents=True)
    module = folder / "resources.py"
    module.touch()
    return module


def test_files_of_the_checkout_are_found() -> None:
    repository = Path(__file__).resolve().parents[1]
    assert resources.share_directory() == repository
    assert resources.share_file("config/transport/fastdds.xml").is_file()


@pytest.mark.parametrize(
    "packages",
    ["lib/python3.12/site-packages", "local/lib/python3.12/dist-packages", "."],
    ids=["venv or colcon", "debian", "pip --target"],
)
def test_files_of_an_installation_are_found(tmp_path: Path, packages: str) -> None:
    share = tmp_path / "share/denseba_ros"
    (share / "config").mkdir(parents=True)
    module = module_at(tmp_path / packages / "denseba_ros")
    assert resources._share_directory_of(module).resolve() == share.resolve()


def test_an_incomplete_installation_is_reported(tmp_path: Path) -> None:
    module = module_at(tmp_path / "lib/python3.12/site-packages/denseba_ros")
    with pytest.raises(ConfigurationError, match="incomplete"):
        resources._share_directory_of(module)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"config/absent\.yaml"):
        resources.share_file("config/absent.yaml")


@pytest.mark.parametrize("name", ["../x.st", "/etc/x.st", "inside/../../x.st", "x.txt", ""])
def test_a_path_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"not a \.st file below"):
        resources.confined(name, tmp_path, ".st")


def test_a_path_that_stays_inside_is_made_absolute(tmp_path: Path) -> None:
    assert resources.confined("a/b.st", tmp_path, ".st") == (tmp_path / "a" / "b.st").resolve()
    inside = tmp_path / "b.st"
    assert resources.confined(str(inside), tmp_path, ".st") == inside.resolve()
