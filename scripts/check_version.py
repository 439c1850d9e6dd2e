"""The places that name a version name the same one.

python scripts/check_version.py [VERSION]

Ends with 1 and the differing places when they differ, or are not VERSION.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACES = {
    "setup.py": r'version="([^"]+)"',
    "package.xml": r"<version>([^<]+)</version>",
    "src/denseba_ros/__init__.py": r'__version__ = "([^"]+)"',
    "pixi.toml": r'^version = "([^"]+)"',
}


def versions(root: Path = ROOT) -> dict[str, str]:
    """Version by file; empty where none is found."""
    found = {}
    for name, pattern in PLACES.items():
        match = re.search(pattern, (root / name).read_text(), re.MULTILINE)
        found[name] = match.group(1) if match else ""
    return found


def main(words: list[str]) -> int:
    """0 when all are the same, and the one that is asked for."""
    found = versions()
    wanted = words[0] if words else found["package.xml"]
    wrong = {name: version for name, version in found.items() if version != wanted}
    for name, version in wrong.items():
        print(f"{name}: {version or 'no version'} instead of {wanted}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
