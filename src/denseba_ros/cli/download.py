"""``denseba download``: a sequence of a public benchmark, from its own address."""

from __future__ import annotations

import argparse
from pathlib import Path

from denseba_ros.cli.exit_status import DONE
from denseba_ros.cli.options.kinds import add_paths, add_switches
from denseba_ros.download.dataset_table import Dataset, read_datasets
from denseba_ros.download.sequence_download import download
from denseba_ros.errors import DownloadError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba download``."""
    parser.add_argument(
        "dataset", metavar="DATASET", help="tum, euroc, kitti, 7scenes or tartanair"
    )
    parser.add_argument(
        "name", metavar="NAME", nargs="?", help="the sequence; without it all names are listed"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", default=Path("data"), help="DIR/DATASET/NAME is written"
    )
    add_paths(parser, "FILE", table="another table than config/datasets.yaml")
    add_switches(parser, dry_run="say what would be downloaded, and from where, and nothing more")


def run(args: argparse.Namespace) -> int:
    """0 when the sequence is there, or was listed.

    Raises:
        DownloadError: on an unknown name, or when something cannot be read; again goes on.
    """
    datasets = read_datasets(args.table)
    if args.dataset not in datasets:
        raise DownloadError(f"no dataset {args.dataset!r}; known: {', '.join(datasets)}")
    dataset = datasets[args.dataset]
    if args.name is None:
        print(_terms(dataset), *dataset.names, sep="\n")
        return DONE
    parts = dataset.parts_of(args.name)
    folder = args.out / args.dataset / args.name
    # Before the first byte.
    print(_terms(dataset), *(f"from {part.archive}" for part in parts), sep="\n", flush=True)
    if args.dry_run:
        return DONE
    try:
        count = download(parts, folder)
    except OSError as error:
        raise DownloadError(f"{folder}: {error.strerror or error}") from error
    print(f"{folder}: {count} files; denseba run {folder} --out DIR")
    return DONE


def _terms(dataset: Dataset) -> str:
    return (
        f"{dataset.title}: {dataset.size}\n"
        f"licence: {dataset.licence}; by downloading you agree to it: {dataset.terms}"
    )
