"""The log of published images."""

from __future__ import annotations

from pathlib import Path

import pytest

from denseba_ros.errors import DensebaError
from denseba_ros.nodes.tools.sent_images import Sent, SentLog, read_sent


def test_what_was_sent_is_read_back(tmp_path: Path) -> None:
    assert read_sent("1.5 2000000000 3 4\n") == [Sent(1.5, 2_000_000_000, 3, 4)]
    file = tmp_path / "sent.log"
    for place in range(2):
        with SentLog(file, flush=True) as log:
            log.sending(10 + place, place)
            assert len(read_sent(file.read_text())) == place + 1
    first, second = read_sent(file.read_text())
    assert (first.stamp_ns, first.window, first.place) == (10, 0, 0)
    assert second.at >= first.at


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(DensebaError, match="absent"):
        SentLog(tmp_path / "absent" / "sent.log")
