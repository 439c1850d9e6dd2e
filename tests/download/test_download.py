"""Downloads from a server on this machine: by ranges, whole, resumed, damaged."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from denseba_ros.cli.main import main
from denseba_ros.download.dataset_table import Part, read_datasets
from denseba_ros.download.remote_file import fetch
from denseba_ros.download.sequence_download import download
from denseba_ros.errors import DownloadError

pytest.importorskip("aiohttp")
BIG = bytes(range(256)) * 40_000  # 10 MB


class Server:
    """Files of ``root`` at ``address``; counts the bytes that it sent."""

    def __init__(self, root: Path, *, ranges: bool = True) -> None:
        self.root, self.sent, self.ranges = root, 0, ranges
        self.fail_after: int | None = None
        handler = partial(_Handler, server_state=self)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *arguments: object, server_state: Server) -> None:
        self._state = server_state
        super().__init__(*arguments)  # type: ignore[arg-type]

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        path = self._state.root / self.path.lstrip("/")
        if not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        asked = self.headers.get("Range") if self._state.ranges else None
        start, end = 0, len(data)
        if asked:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start, end = int(first), min(len(data), int(last or len(data)) + 1)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")
        else:
            self.send_response(200)
        if self._state.ranges:
            self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(end - start))
        self.end_headers()
        if with_body:
            body = data[start:end]
            limit = self._state.fail_after
            if limit is not None and self._state.sent + len(body) > limit:
                self.close_connection = True
                return
            self._state.sent += len(body)
            self.wfile.write(body)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    root = tmp_path / "served"
    root.mkdir()
    running = Server(root)
    yield running
    running.close()


def make_zip(path: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_sequence_comes_out_of_a_zip_by_ranges(server: Server, tmp_path: Path) -> None:
    make_zip(server.root / "all.zip", {"s/01/big": BIG, "s/00/a": b"a", "s/00/b/c": b"c"})
    part = Part(archive=f"{server.address}/all.zip", members="s/00/", strip="s/00/")
    assert download([part], tmp_path / "out") == 2
    assert files_below(tmp_path / "out") == {"a": b"a", "b/c": b"c"}
    assert server.sent < len(BIG) / 2


def test_without_ranges_the_whole_is_taken_and_removed(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    make_zip(server.root / "all.zip", {"s/01/x": b"x", "s/00/a": b"a"})
    part = Part(archive=f"{server.address}/all.zip", members="s/00/", strip="s/00/")
    assert download([part], tmp_path / "out") == 1
    assert files_below(tmp_path / "out") == {"a": b"a"}


def test_what_is_there_is_not_read_again(server: Server, tmp_path: Path) -> None:
    make_zip(server.root / "all.zip", {"s/big": BIG, "s/a": b"a"})
    part = Part(archive=f"{server.address}/all.zip", members="s/", strip="s/")
    download([part], tmp_path / "out")
    server.sent = 0
    (tmp_path / "out/a").unlink()
    assert download([part], tmp_path / "out") == 2
    assert (tmp_path / "out/a").read_bytes() == b"a"
    assert server.sent < len(BIG) / 2


def test_an_interrupted_file_goes_on(server: Server, tmp_path: Path) -> None:
    (server.root / "big").write_bytes(BIG)
    server.fail_after = 4_000_000
    target = tmp_path / "out/big"
    with pytest.raises(DownloadError, match="goes on from it"):
        fetch(f"{server.address}/big", target)
    there = target.with_name("big.part").stat().st_size
    assert there > 0
    server.fail_after, server.sent = None, 0
    fetch(f"{server.address}/big", target, hashlib.sha256(BIG).hexdigest())
    assert target.read_bytes() == BIG
    assert server.sent <= len(BIG) - there + 1  # and the byte that asks for ranges
    assert not target.with_name("big.part").exists()


def test_a_wrong_checksum_is_refused(server: Server, tmp_path: Path) -> None:
    (server.root / "file").write_bytes(b"something else")
    with pytest.raises(DownloadError, match="checksum"):
        fetch(f"{server.address}/file", tmp_path / "file", "0" * 64)
    assert not any(path.is_file() for path in tmp_path.glob("file*"))


def test_a_damaged_member_is_said(server: Server, tmp_path: Path) -> None:
    path = server.root / "all.zip"
    make_zip(path, {"s/a": b"content of a"})
    path.write_bytes(path.read_bytes().replace(b"content of a", b"CONTENT of a"))
    part = Part(archive=f"{server.address}/all.zip", members="s/", strip="s/")
    with pytest.raises(DownloadError, match="damaged"):
        download([part], tmp_path / "out")
    assert not (tmp_path / "out/a").exists()


def test_a_tar_and_a_zip_in_a_zip_are_unpacked(server: Server, tmp_path: Path) -> None:
    with tarfile.open(server.root / "x.tgz", "w:gz") as archive:
        info = tarfile.TarInfo("x/rgb/1.png")
        info.size = 3
        archive.addfile(info, io.BytesIO(b"png"))
    inner = tmp_path / "inner.zip"
    make_zip(inner, {"seq-01/pose": b"pose"})
    make_zip(server.root / "chess.zip", {"chess/seq-01.zip": inner.read_bytes()})
    parts = [
        Part(archive=f"{server.address}/x.tgz", strip="x/"),
        Part(
            archive=f"{server.address}/chess.zip",
            members="chess/seq-01.zip",
            nested=True,
            strip="seq-01/",
        ),
    ]
    assert download(parts, tmp_path / "out") == 2
    assert files_below(tmp_path / "out") == {"pose": b"pose", "rgb/1.png": b"png"}


def test_no_file_is_written_outside(server: Server, tmp_path: Path) -> None:
    make_zip(server.root / "all.zip", {"s/../../evil": b"x"})
    part = Part(archive=f"{server.address}/all.zip", members="s/", strip="s/")
    with pytest.raises(DownloadError, match="outside"):
        download([part], tmp_path / "out")


def test_a_missing_file_is_one_sentence(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"nothing\.zip"):
        download([Part(archive=f"{server.address}/nothing.zip", members="s/")], tmp_path / "out")


def test_the_command_shows_licence_and_size_first(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_zip(server.root / "00.zip", {"00/image": b"x"})
    table = tmp_path / "table.yaml"
    entry = {
        "title": "Toy",
        "licence": "CC0",
        "terms": "http://terms",
        "size": "1 byte",
        "names": ["00"],
        "parts": [{"archive": server.address + "/{name}.zip", "members": "{name}/", "to": "one"}],
    }
    table.write_text(yaml.safe_dump({"toy": entry}))
    words = ["download", "toy", "00", "--out", str(tmp_path), "--table", str(table)]
    assert main([*words, "--dry-run"]) == 0
    assert server.sent == 0
    said = capsys.readouterr().out
    assert "Toy: 1 byte\nlicence: CC0; by downloading you agree to it: http://terms" in said
    assert main(words) == 0
    assert (tmp_path / "toy/00/one").read_bytes() == b"x"
    assert main(["download", "toy", "01", "--table", str(table)]) == 2
    assert main(["download", "mars"]) == 2


def test_every_entry_of_the_table_can_be_filled_in() -> None:
    datasets = read_datasets()
    assert set(datasets) == {"tum", "euroc", "kitti", "7scenes", "tartanair"}
    for dataset in datasets.values():
        assert dataset.terms.startswith("http")
        for name in dataset.names:
            for part in dataset.parts_of(name):
                assert "{" not in str(part)
                assert part.archive.startswith("http")
