"""Small sources of training data: of the rendered room, and drawn matches of known worth; and a
server that misbehaves."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from denseba_ros.benchmark.solvers.minimal_problems import moved, random_motions, seen_points
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.training.depth.depth_samples import DepthSample, SampleSet, View
from denseba_ros.training.matching.match_pairs import MatchPair

SIZE = (64, 64)
# Of the drawn matches, in normalised coordinates.
_PIXEL = 1.0 / 500


@pytest.fixture(scope="session")
def room_sets(small_room: RoomSequence) -> list[SampleSet]:
    """Two sources: measured depth, and the true depth as a hint with a view to warp."""
    measured, hinted = [], []
    for k in range(5):
        image, depth = small_room.image(k), small_room.depth(k)
        T = np.linalg.inv(small_room.pose(k + 1)) @ small_room.pose(k)
        view = View(small_room.image(k + 1), small_room.calibration, T)
        measured.append(DepthSample(image, small_room.calibration, depth, True))
        hinted.append(DepthSample(image, small_room.calibration, depth, False, (view,)))
    return [SampleSet("measured", SIZE, measured), SampleSet("hinted", SIZE, hinted, 2.0)]


@pytest.fixture(scope="session")
def stereo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wall eight pixels of disparity away; the right images are stored at half the size."""
    folder: Path = tmp_path_factory.mktemp("stereo")
    rng = np.random.default_rng(0)
    for name in ("image_0", "image_1"):
        (folder / name).mkdir()
    for k in range(2):
        wide = np.kron(rng.integers(20, 235, (40, 80)), np.ones((8, 8))).astype(np.uint8)
        left, right = wide[:160, :400], wide[:160, 16:416]
        small = cv2.resize(right, (200, 80), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(folder / "image_0" / f"{k:06d}.png"), left)
        cv2.imwrite(str(folder / "image_1" / f"{k:06d}.png"), small)
    return folder


@pytest.fixture
def camera() -> Calibration:
    return Calibration(80, 60, 70.0, 72.0, 41.0, 29.0)


class DrawnPairs:
    """Stands in for the features of a sequence: any two positions see new random points, and a
    share of the matches is wrong. Their similarity tells a little."""

    def __init__(self, wrong: float = 0.5, matches: int = 120) -> None:
        self._matches, self._wrong = matches, int(wrong * matches)

    def __len__(self) -> int:
        return 100

    def pair(self, one: int, other: int) -> MatchPair:
        generator = torch.Generator().manual_seed(1000 * one + other)
        T = random_motions(generator, 1, 0.1)
        X = seen_points(generator, 1, self._matches)
        Y = moved(T, X)
        first, second = (P[0, :, :2] / P[0, :, 2:] for P in (X, Y))
        noise = torch.randn(second.shape, generator=generator, dtype=torch.float64)
        second = second + 0.5 * _PIXEL * noise
        second[: self._wrong] = second[: self._wrong].roll(5, 0)
        side = 0.5 + 0.2 * torch.randn(self._matches, 3, generator=generator)
        side[self._wrong :] += 0.1
        return MatchPair(first, second, side, T[0], first.new_tensor(_PIXEL))


@pytest.fixture(scope="session")
def drawn_pairs() -> Callable[..., DrawnPairs]:
    """``drawn_pairs(wrong=0.5)``: a source with this share of wrong matches."""
    return DrawnPairs


@pytest.fixture
def pair() -> MatchPair:
    return DrawnPairs().pair(3, 4)


FAULTS = ("dead", "error", "slow", "cut", "short", "lie")


class FaultyServer:
    """``files`` by path; ``faults[path]``: what goes wrong with the next requests for it.

    ``sent`` counts whole answers by path, ``asked`` all requests. "slow" lasts until the server
    closes.
    """

    kinds = FAULTS

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: defaultdict[str, list[str]] = defaultdict(list)
        self.sent: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self.url = ""

    def next_fault(self, path: str) -> str:
        with self.lock:
            self.asked[path] += 1
            return self.faults[path].pop(0) if self.faults[path] else ""


@pytest.fixture(params=FAULTS)
def fault(request: pytest.FixtureRequest) -> str:
    """Each way in which a server misbehaves."""
    return str(request.param)


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    """On a free port of the loopback interface; give it ``files``."""
    server = FaultyServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _answer(self, server)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the tests count for themselves."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    try:
        yield server
    finally:
        server.closing.set()
        http.shutdown()
        http.server_close()
        thread.join()


def _answer(handler: BaseHTTPRequestHandler, server: FaultyServer) -> None:
    path = handler.path
    fault = server.next_fault(path)
    data = server.files.get(path)
    if fault == "dead":
        handler.close_connection = True
        handler.connection.close()
        return
    if fault == "slow":
        server.closing.wait(20.0)
        return
    if data is None or fault == "error":
        handler.send_error(404 if data is None else 500)
        return
    if fault == "lie":
        data = b"<html>please log in</html>"
    half = data[: len(data) // 2]
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(half if fault == "short" else data)))
    handler.end_headers()
    handler.wfile.write(half if fault in ("cut", "short") else data)
    if not fault:
        with server.lock:
            server.sent[path] += 1
