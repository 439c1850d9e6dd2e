"""Finds the files that come with the package: configuration, launch files, models."""

from __future__ import annotations

from pathlib import Path

from denseba_ros.errors import ConfigurationError

_PACKAGE = "denseba_ros"


def share_directory() -> Path:
    """Absolute path of the folder with ``config``, ``launch`` and ``models``.

    That is the repository's root when this file lies in the repository (development, ``pip
    install -e``, ``colcon build --symlink-install``), otherwise ``share/denseba_ros`` of the
    prefix that this file is installed under (``pip install``, ``colcon build``).

    Raises:
        ConfigurationError: when neither is there.
    """
    return _share_directory_of(Path(__file__).resolve())


def share_file(name: str) -> Path:
    """Absolute path of a shipped file or folder, such as ``config/denseba.yaml``.

    Raises:
        ConfigurationError: when it is not there.
    """
    path = share_directory() / name
    if not path.exists():
        raise ConfigurationError(f"{path} is missing: the installation is incomplete")
    return path


def confined(name: str, folder: Path, suffix: str) -> Path:
    """``name``, absolute or below ``folder``, as a path that does lie below it, links resolved.

    Raises:
        ConfigurationError: when it leads elsewhere or does not end in ``suffix``.
    """
    base = folder.resolve()
    path = (base / name).resolve()
    if not path.is_relative_to(base) or path.suffix != suffix:
        raise ConfigurationError(f"{name}: not a {suffix} file below {base}")
    return path


def _share_directory_of(module: Path) -> Path:
    repository = module.parents[2]
    if module.parent.parent.name == "src" and (repository / "package.xml").is_file():
        return repository
    for prefix in module.parents:
        if (prefix / "share" / _PACKAGE / "config").is_dir():
            return prefix / "share" / _PACKAGE
    raise ConfigurationError(
        f"no share/{_PACKAGE}/config above {module}: the installation is incomplete"
    )
