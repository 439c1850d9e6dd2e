"""Pictures of what `denseba run --record` writes, in rerun's web viewer and a headless browser.

    python docs/generators/viewer_picture.py docs/viewer.png

renders the room, runs on it, and opens the recording. Needs the extra `view`, playwright and
Chromium (Debian's, or `playwright install chromium`); no screen and no GPU.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import Page, sync_playwright

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# WebGL 2 by the CPU.
_FLAGS = (
    *("--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader"),
    "--enable-unsafe-swiftshader",
)
_SIZE = (1200, 800)
# Of grey levels, in the middle of the page: more than the greeting has, less than any map.
_DRAWN = 12.0


def browser() -> str | None:
    """Path of an installed Chromium."""
    found = (shutil.which(name) for name in _BROWSERS)
    return next((path for path in found if path), None)


@contextmanager
def served(recording: Path) -> Iterator[str]:
    """Address of rerun's web viewer, on this machine only, with ``recording`` open."""
    grpc, web = _free_port(), _free_port()
    command = [sys.executable, "-m", "rerun", "--serve-web", "--bind", "127.0.0.1"]
    command += ["--port", str(grpc), "--web-viewer-port", str(web), str(recording)]
    # CI: rerun sends no usage data then.
    server = subprocess.Popen(
        command,
        env={**os.environ, "CI": "true"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _await_port(web)
        yield f"http://127.0.0.1:{web}/?url=rerun%2Bhttp://127.0.0.1:{grpc}/proxy"
    finally:
        os.killpg(server.pid, 15)
        server.wait(timeout=20)


def photograph(recording: Path, picture: Path, seconds: float = 400.0) -> np.ndarray:
    """Write and return (H, W, 3) uint8 BGR the page with ``recording``, once it stands still.

    Raises:
        TimeoutError: when nothing is drawn after ``seconds``.
    """
    with served(recording) as address, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser(), args=list(_FLAGS))
        page = chromium.new_page(viewport={"width": _SIZE[0], "height": _SIZE[1]})
        page.goto(address)
        still = _await_still(page, time.monotonic() + seconds)
        picture.write_bytes(still)
        chromium.close()
        return _decoded(still)


def _await_still(page: Page, deadline: float) -> bytes:
    """The page as PNG, once something is drawn and two looks at it are the same."""
    before = np.zeros(0)
    while time.monotonic() < deadline:
        time.sleep(3.0)
        data = page.screenshot(timeout=60_000)
        image = _decoded(data)
        is_still = image.shape == before.shape and np.array_equal(image, before)
        if is_still and map_of(image).std() > _DRAWN:
            return data
        before = image
    raise TimeoutError("the browser shows no recording")


def map_of(page: np.ndarray) -> np.ndarray:
    """The part of the page (H, W, 3) that shows the map."""
    height, width = page.shape[:2]
    return page[height // 5 : height // 2, width // 5 : width // 2]


def _decoded(png: bytes) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_port(port: int, seconds: float = 60.0) -> None:
    """Raises TimeoutError when nobody listens within ``seconds``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise TimeoutError("rerun's web viewer does not start")


def record_room(folder: Path, frames: int) -> Path:
    """A recording of a run over the rendered room."""
    from denseba_ros.sequences.rendering.rendered_folder import write_rendered
    from denseba_ros.sequences.room.synthetic_room import RoomSequence

    write_rendered(folder / "room", RoomSequence("loop", frames))
    recording = folder / "room.rrd"
    run = [sys.executable, "-m", "denseba_ros.cli.main", "run", str(folder / "room")]
    subprocess.run([*run, "--out", str(folder / "run"), "--record", str(recording)], check=True)
    return recording


def main() -> None:
    """Render, run, record, photograph."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", type=Path)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--recording", type=Path, help="photograph this one instead of the room")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        recording = arguments.recording or record_room(Path(folder), arguments.frames)
        photograph(recording, arguments.picture)


if __name__ == "__main__":
    main()
