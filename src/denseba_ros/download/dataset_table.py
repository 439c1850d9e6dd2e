"""The table of benchmarks: addresses, licences, sizes."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from denseba_ros.errors import DownloadError
from denseba_ros.resources import share_file


class Part(BaseModel):
    """Files of a sequence that come from one archive; see config/datasets.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    archive: str
    members: str = ""
    strip: str = ""
    to: str = ""
    nested: bool = False
    sha256: str = ""

    def of(self, name: str) -> Part:
        """With the name of a sequence in place of the braces."""
        words = name.split("/")

        def filled(text: str) -> str:
            return text.format(*words, name=name)

        texts = {key: filled(value) for key, value in self if isinstance(value, str)}
        return self.model_copy(update=texts)


class Dataset(BaseModel):
    """A benchmark: what a user agrees to by downloading, its sequences and their parts."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    title: str
    licence: str
    terms: str
    size: str
    names: tuple[str, ...]
    parts: tuple[Part, ...]

    def parts_of(self, name: str) -> list[Part]:
        """What a sequence consists of.

        Raises:
            DownloadError: when there is none of that name.
        """
        if name not in self.names:
            raise DownloadError(f"{self.title} has no {name!r}; known: {', '.join(self.names)}")
        return [part.of(name) for part in self.parts]


def read_datasets(path: Path | None = None) -> dict[str, Dataset]:
    """Benchmarks by the name that ``denseba download`` knows them by.

    Raises:
        DownloadError: when the table is missing or wrong.
    """
    path = share_file("config/datasets.yaml") if path is None else path
    try:
        table = yaml.safe_load(path.read_text())
        return {name: Dataset.model_validate(values) for name, values in table.items()}
    except (OSError, yaml.YAMLError, ValidationError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise DownloadError(f"{path}: no table of datasets: {reason}") from error
