from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from denseba_ros.errors import ConfigurationError
from denseba_ros.training.common.curve_plot import plot_curve
from denseba_ros.training.common.json_lines_log import append_row


@pytest.mark.parametrize(("unit", "rows"), [("step", 3), ("chunk", 50)])
def test_a_log_becomes_a_picture(tmp_path: Path, unit: str, rows: int) -> None:
    log, picture = tmp_path / "log.jsonl", tmp_path / "curve.png"
    for k in range(rows):
        append_row(log, {unit: k, "loss": 1.0 / (1 + k)})
    plot_curve(picture, log)
    image = cv2.imread(str(picture))
    assert image is not None
    assert len(set(image.reshape(-1, 3).sum(1).tolist())) > 10


@pytest.mark.parametrize("text", ["", "{}", "half a ro", '{"step": 1}'])
def test_what_is_no_log_is_refused(tmp_path: Path, text: str) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(text)
    with pytest.raises(ConfigurationError, match="no log of a training"):
        plot_curve(tmp_path / "curve.png", log)
