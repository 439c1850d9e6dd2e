"""``denseba compile``: what it counts and says."""

from __future__ import annotations

from typing import Any

import numba
import pytest

from denseba_ros.cli.main import main
from denseba_ros.slam import warm_up


@pytest.mark.parametrize(
    ("functions", "says"), [(0, "nothing had to be compiled"), (2, "compiled 2 functions")]
)
def test_it_warms_a_system_up_and_counts(
    functions: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def compile_some(_: Any) -> None:
        for _ in range(functions):
            numba.njit("f8(f8)")(lambda x: x + 1.0)

    monkeypatch.setattr(warm_up, "warmed_up", compile_some)
    assert main(["compile"]) == 0
    assert capsys.readouterr().out.startswith(says)
