"""The figure of the rooms: one box a folder of the package, one arrow where one imports another.

    python docs/generators/rooms.py > docs/figures/rooms.svg
    python docs/generators/rooms.py --imports    lists every import behind every arrow

Read off the imports by ``ast``, so nothing is imported. A test compares the committed figure with
the imports of the tree. Every arrow carries ``data-from`` and ``data-to``.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

PACKAGE = "denseba_ros"
SOURCE = Path(__file__).resolve().parents[2] / "src" / PACKAGE
_WIDTH, _BOX, _HEIGHT, _ROW = 1060, 200, 62, 118
_SHOWN = 2


@dataclass
class Rooms:
    """Every room with the first line of its docstring, and what is imported between them."""

    purpose: dict[str, str]
    # (importing room, imported room) -> lines "file: names"
    edges: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    # room -> classes that other rooms import from it, counted
    handed_out: dict[str, Counter[str]] = field(default_factory=dict)


def read_rooms(source: Path = SOURCE) -> Rooms:
    """Rooms and imports of the package at ``source``; files outside any room are left out."""
    folders = sorted(p.parent for p in source.glob("*/__init__.py"))
    rooms = Rooms({f.name: _first_line(f / "__init__.py") for f in folders})
    for room in rooms.purpose:
        for path in sorted((source / room).rglob("*.py")):
            for module, names in _imports(path):
                other = module.split(".")[1] if "." in module else ""
                if other in rooms.purpose and other != room:
                    line = f"{path.relative_to(source)}: {', '.join(names) or module}"
                    rooms.edges.setdefault((room, other), []).append(line)
                    classes = [n for n in names if n[0].isupper() and not n.isupper()]
                    rooms.handed_out.setdefault(other, Counter()).update(classes)
    return rooms


def _first_line(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n")[0]


def _imports(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Modules of the package that a file imports, anywhere in it, with the names taken."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
            if node.module == PACKAGE:
                yield from ((f"{PACKAGE}.{alias.name}", []) for alias in node.names)
            else:
                yield str(node.module), [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            yield from ((a.name, []) for a in node.names if a.name.split(".")[0] == PACKAGE)


def layers(rooms: Rooms) -> list[list[str]]:
    """Rooms in rows, the highest first: each stands above all that it imports.

    Raises:
        ValueError: when rooms import each other in a circle; the first that do are named.
    """
    height = dict.fromkeys(rooms.purpose, 0)
    for _ in height:
        for user, used in rooms.edges:
            height[user] = max(height[user], height[used] + 1)
    circle = [f"{a} -> {b}" for a, b in sorted(rooms.edges) if height[a] <= height[b]]
    if circle or max(height.values()) >= len(height):
        raise ValueError(f"rooms import each other in a circle: {', '.join(circle) or height}")
    for room in sorted(height, key=lambda r: -height[r]):
        users = [height[user] for user, used in rooms.edges if used == room]
        height[room] = min(users) - 1 if users else height[room]
    rows = [
        sorted(r for r in height if height[r] == level) for level in range(max(height.values()) + 1)
    ]
    return [row for row in reversed(rows) if row]


def places(rooms: Rooms) -> dict[str, tuple[float, float]]:
    """Centre of each box; in its row a room stands near the middle of those that import it."""
    centres: dict[str, tuple[float, float]] = {}
    for level, row in enumerate(layers(rooms)):

        def wanted(room: str) -> float:
            above = [centres[user][0] for user, used in rooms.edges if used == room]
            return sum(above) / len(above) if above else _WIDTH / 2

        for k, room in enumerate(sorted(row, key=wanted)):
            shift = 0.13 * _WIDTH * (-1) ** level if len(row) == 1 and level else 0.0
            x = _WIDTH * (k + 0.5) / len(row) + shift
            centres[room] = (x, 14 + _HEIGHT / 2 + _ROW * level)
    return centres


def draw(rooms: Rooms) -> str:
    """The figure as SVG: users above what they use, in italics what a room hands out."""
    centres = places(rooms)
    # Arrows have the colour of the room that they leave.
    colours = {
        room: f"hsl({360 * k // len(centres)},65%,42%)" for k, room in enumerate(sorted(centres))
    }
    tall = round(14 + _HEIGHT / 2 + max(y for _, y in centres.values()))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {tall}" '
            'font-family="sans-serif">',
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
            'markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#557"/></marker>'
            "</defs>",
            f'<rect width="{_WIDTH}" height="{tall}" fill="white"/>',
            *(_arrow(edge, centres, colours[edge[0]]) for edge in sorted(rooms.edges)),
            *(_box(rooms, room, *centre, colours[room]) for room, centre in centres.items()),
            "</svg>",
        ]
    )


def _arrow(edge: tuple[str, str], centres: dict[str, tuple[float, float]], colour: str) -> str:
    """From the bottom of the user to the top of what it uses; beside boxes that are in the way."""
    (x0, y0), (x1, y1) = (centres[room] for room in edge)
    down = 1 if y1 >= y0 else -1
    share = max(-0.4, min(0.4, (x1 - x0) / _WIDTH)) * _BOX
    x0, x1 = x0 + share, x1 - share
    y0, y1 = y0 + down * _HEIGHT / 2, y1 - down * (_HEIGHT / 2 + 1)
    bend = 0.45 * (y1 - y0)
    return (
        f'<path data-from="{edge[0]}" data-to="{edge[1]}" fill="none" stroke="{colour}" '
        f'stroke-width="1.4" marker-end="url(#tip)" '
        f'd="M{x0:.0f} {y0:.0f} C{x0:.0f} {y0 + bend:.0f} {x1:.0f} {y1 - bend:.0f} '
        f'{x1:.0f} {y1:.0f}"><title>{edge[0]} imports {edge[1]}</title></path>'
    )


def _box(rooms: Rooms, room: str, x: float, y: float, colour: str) -> str:
    counted = rooms.handed_out.get(room, Counter())
    shown = sorted(counted, key=lambda name: (-counted[name], name))[:_SHOWN]
    left, top = x - _BOX / 2, y - _HEIGHT / 2
    return (
        f'<g><title>{escape(rooms.purpose[room])}</title><rect x="{left:.0f}" y="{top:.0f}" '
        f'width="{_BOX}" height="{_HEIGHT}" rx="8" fill="#eef2fb" '
        f'stroke="{colour}" stroke-width="2"/>'
        f'<text x="{x:.0f}" y="{top + 26:.0f}" text-anchor="middle" font-size="19" '
        f'font-weight="bold" fill="#112">{room}/</text>'
        f'<text x="{x:.0f}" y="{top + 48:.0f}" text-anchor="middle" font-size="12.5" '
        f'font-style="italic" fill="#445">{escape(", ".join(shown))}</text></g>'
    )


if __name__ == "__main__":
    if "--imports" in sys.argv[1:]:
        for (user, used), lines in sorted(read_rooms().edges.items()):
            print(f"{user} -> {used}", *lines, sep="\n    ")
    else:
        sys.stdout.write(draw(read_rooms()) + "\n")
