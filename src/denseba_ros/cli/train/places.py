"""``denseba train places``: train what describes a place, and the score that a place must have."""

from __future__ import annotations

import argparse
from pathlib import Path

from denseba_ros.cli.exit_status import DONE
from denseba_ros.cli.options.kinds import add_counts, add_paths
from denseba_ros.cli.options.settings import add_settings, settings_from
from denseba_ros.errors import ConfigurationError
from denseba_ros.place_recognition.vlad_file import save_vlad
from denseba_ros.training.places.place_images import read_place_images, render_place_images
from denseba_ros.training.places.place_training import PlaceTraining, train_places


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba train places``."""
    parser.add_argument(
        "sequences", type=Path, nargs="*", metavar="SEQUENCE", help="recordings with true poses"
    )
    add_paths(parser, "FILE", out="write weights as safetensors")
    add_counts(
        parser,
        rooms=(6, "rendered rooms that are trained on too"),
    )
    add_settings(
        parser,
        PlaceTraining,
        centres="centres of the local descriptors",
        dimensions="length of an image's descriptor",
        seed="seed of the centres; rooms are numbered from it",
    )


def run(args: argparse.Namespace) -> int:
    """Train, say the threshold, write.

    Raises:
        ConfigurationError: on a negative number of rooms, or without the package of the features.
        SequenceError: on a sequence without ground truth, or with too few images.
    """
    if args.rooms < 0:
        raise ConfigurationError(f"--rooms {args.rooms} is negative")
    settings = settings_from(args, PlaceTraining)
    worlds = [read_place_images(path) for path in args.sequences]
    worlds += [render_place_images(settings.seed + 1 + k) for k in range(args.rooms)]
    vlad = train_places(worlds, settings)
    print(
        f"{len(vlad.centres)} centres and {vlad.size} axes from {sum(map(len, worlds))} images; "
        f"99 % of them have relative scores below {vlad.threshold:.2f} with what shares nothing"
    )
    if args.out is not None:
        save_vlad(vlad, args.out)
    return DONE
