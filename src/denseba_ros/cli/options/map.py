"""Which map a run makes, goes on with, or is localised in."""

from __future__ import annotations

import argparse
from pathlib import Path

from denseba_ros.cli.options.kinds import add_switches
from denseba_ros.config import Config
from denseba_ros.errors import ConfigurationError


def add_map_options(parser: argparse.ArgumentParser) -> None:
    """Add --save-map, --map, --localise and --refine; the parameters `map.*` say the same."""
    group = parser.add_argument_group(
        "map",
        "Loops are closed where the features are installed; --set map.mode=off: they are not.",
    )
    either = group.add_mutually_exclusive_group()
    either.add_argument(
        "--save-map", type=Path, metavar="FILE", help="close loops, and save the map in a new file"
    )
    either.add_argument(
        "--map", type=Path, metavar="FILE", help="go on with this map, as another session in it"
    )
    add_switches(
        group,
        localise="with --map: only find the poses in it; it does not change",
    )
    group.add_argument(
        "--refine",
        action=argparse.BooleanOptionalAction,
        help="adjust all keyframes and points together after the last image, for final.txt; done "
        "where there is a map",
    )


def with_map_options(config: Config, args: argparse.Namespace) -> Config:
    """``config`` with what the options say of the map.

    Raises:
        ConfigurationError: when a file is there that should not be, or the other way round.
    """
    if args.localise and args.map is None:
        raise ConfigurationError("--localise needs --map FILE, the map to be localised in")
    if args.save_map is not None and args.save_map.exists():
        raise ConfigurationError(
            f"{args.save_map} is there already: go on with it by --map, or choose another name"
        )
    if args.map is not None and not args.map.is_file():
        raise ConfigurationError(f"{args.map}: there is no such map; --save-map makes one")
    file, section = args.map or args.save_map, config.map.resolved(in_node=False)
    if file is not None or (args.refine and section.mode == "off"):
        mode = "localisation" if args.localise else "mapping"
        section = section.model_copy(update={"mode": mode, "file": str(file or "")})
    return config.model_copy(update={"map": section})
