"""Which parameters the system runs with."""

from __future__ import annotations

import argparse
from typing import Any, get_args

import yaml

from denseba_ros.cli.options.kinds import add_paths
from denseba_ros.config import Config
from denseba_ros.errors import ConfigurationError

DEVICES = get_args(Config.model_fields["device"].annotation)


def add_device_option(parser: argparse.ArgumentParser, default: str | None = "auto") -> None:
    """Add --device; a ``default`` of None leaves it to the configuration."""
    parser.add_argument("--device", choices=DEVICES, default=default, help="where to compute")


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """Add --config, --set and --device."""
    add_paths(parser, "FILE", config="YAML file of parameters, such as config/denseba.yaml")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="override one parameter, for example backend.window=5; may be repeated",
    )
    add_device_option(parser, default=None)


def config_from_options(args: argparse.Namespace) -> Config:
    """Defaults, then the file, then every --set in order, then --device.

    Raises:
        ConfigurationError: on an unknown name or a value out of range.
    """
    config = Config.from_dict({}) if args.config is None else Config.from_yaml(args.config)
    values = config.model_dump()
    for assignment in args.set:
        _assign(values, assignment)
    if args.device is not None:
        values["device"] = args.device
    return Config.from_dict(values)


def _assign(values: dict[str, Any], assignment: str) -> None:
    """Set one value of the nested ``values``; raises ConfigurationError."""
    name, equals, text = assignment.partition("=")
    if not equals or not name:
        raise ConfigurationError(f"--set {assignment!r}: write it as NAME=VALUE")
    *sections, key = name.split(".")
    for section in sections:
        values = values.get(section)  # type: ignore[assignment]
        if not isinstance(values, dict):
            raise ConfigurationError(f"--set {assignment!r}: there is no section {section!r}")
    try:
        values[key] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(f"--set {assignment!r}: {reason}") from error
