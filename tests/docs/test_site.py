"""The documents build without a warning, and what is generated in them is of this tree."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"


def generator(name: str) -> ModuleType:
    """A script of docs/generators as a module."""
    path = DOCS / "generators" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"docs_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    """As `make docs`; a link to a page, heading or file that is not there is a warning."""
    for package in ("sphinx", "myst_parser", "furo"):
        pytest.importorskip(package, reason=f"{package} is not installed: denseba_ros[docs]")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-b", "html"]
    built = subprocess.run(
        [*command, "-d", str(tmp_path / "trees"), str(DOCS), str(tmp_path / "html")],
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    assert (tmp_path / "html" / "architecture.html").is_file()


def test_the_figure_of_the_rooms_has_the_imports_of_the_tree() -> None:
    rooms = generator("rooms").read_rooms()
    drawn = (DOCS / "figures" / "rooms.svg").read_text()
    arrows = set(re.findall(r'data-from="(\w+)" data-to="(\w+)"', drawn))
    remedy = "python docs/generators/rooms.py > docs/figures/rooms.svg"
    assert arrows == set(rooms.edges), f"run: {remedy}"
    assert set(re.findall(r">(\w+)/</text>", drawn)) == set(rooms.purpose), f"run: {remedy}"


def test_the_rooms_import_downwards_only(tmp_path: Path) -> None:
    module = generator("rooms")
    height = {room: k for k, row in enumerate(module.layers(module.read_rooms())) for room in row}
    assert all(height[user] < height[used] for user, used in module.read_rooms().edges)
    for room, other in (("one", "two"), ("two", "one")):
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text(f"from denseba_ros.{other} import Name\n")
    with pytest.raises(ValueError, match="one -> two"):
        module.layers(module.read_rooms(tmp_path))


@pytest.mark.parametrize(
    ("name", "page"), [("parameters_page", "parameters.md"), ("results_page", "results.md")]
)
def test_a_generated_page_is_up_to_date(name: str, page: str) -> None:
    module = generator(name)
    written = (
        module.parameters_page()
        if name == "parameters_page"
        else module.results_page(
            module.read_records(), module.read_live_records(), module.read_gpu_records()
        )
    )
    assert (DOCS / page).read_text() == written, (
        f"run: python docs/generators/{name}.py > docs/{page}"
    )


def test_every_record_of_a_result_says_where_it_comes_from() -> None:
    records = generator("results_page").read_records()
    assert records
    for record in records:
        assert re.fullmatch(r"[0-9a-f]{7}\+?", record["commit"]), record["name"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", record["date"]), record["name"]
        assert record["machine"]["cpu"]
        # A recorder does not see the node's threads.
        device = record["summary"].get("device")
        assert device["cpu_threads"] > 0 if device else "poses" in record["summary"]
        assert record["pose"] in ("map", "odometry", "final")
        assert record["timing"] in ("lockstep", "live")


def test_every_record_of_a_live_run_says_where_it_comes_from() -> None:
    for record in generator("results_page").read_live_records():
        assert re.fullmatch(r"[0-9a-f]{7}\+?", record["commit"]), record["name"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", record["date"]), record["name"]
        assert record["machine"]["cpu"]
        assert record["timing"] == "live"


def test_every_record_of_a_gpu_says_where_it_comes_from() -> None:
    for record in generator("results_page").read_gpu_records():
        assert re.fullmatch(r"[0-9a-f]{7}\+?", record["commit"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", record["date"])
        assert record["gpu"]["name"]


def test_the_table_of_the_readme_is_of_the_records() -> None:
    module = generator("results_page")
    table = module.short_table(module.read_records())
    remedy = "python docs/generators/results_page.py --short prints it"
    assert table in (REPOSITORY / "README.md").read_text(), remedy


def test_the_readme_stays_short() -> None:
    """At most 150 lines of about 100 characters."""
    lines = (REPOSITORY / "README.md").read_text().splitlines()
    assert len(lines) <= 150
    assert all(len(line) <= 110 for line in lines if not line.startswith(("|", "![")))


def test_links_of_the_top_documents_lead_somewhere() -> None:
    for name in ("README.md", "CONTRIBUTING.md"):
        text = (REPOSITORY / name).read_text()
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
            if "://" not in target:
                assert (REPOSITORY / target).exists(), f"{name} links to {target}"
