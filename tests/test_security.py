"""Nothing that the package reads can run code: weights are safetensors, never pickles."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "denseba_ros"
_FORBIDDEN_MODULES = {"dill", "joblib", "shelve", "marshal", "cloudpickle"}
# Each of them unpickles, or evaluates text.
_FORBIDDEN_CALLS = {
    *("pickle.load", "pickle.loads", "pickle.Unpickler", "yaml.load", "yaml.unsafe_load"),
    *("eval", "exec", "os.system"),
}


def is_dangerous(node: ast.Call) -> bool:
    name = ast.unparse(node.func)
    options = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
    if name == "torch.load":
        return options.get("weights_only") != "True"
    if name in ("np.load", "numpy.load"):
        return options.get("allow_pickle", "False") != "False"
    return name in _FORBIDDEN_CALLS


def test_the_package_neither_unpickles_nor_evaluates() -> None:
    found = []
    for file in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name.partition(".")[0] for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [(node.module or "").partition(".")[0]]
            elif isinstance(node, ast.Call) and is_dangerous(node):
                found.append(f"{file.name}:{node.lineno} {ast.unparse(node.func)}")
            found += [f"{file.name} imports {n}" for n in names if n in _FORBIDDEN_MODULES]
    assert found == []


def test_models_are_safetensors() -> None:
    suffixes = {path.suffix for path in (SOURCE.parents[1] / "models").iterdir() if path.is_file()}
    assert suffixes <= {".safetensors", ".md", ".json", ".yaml"}
