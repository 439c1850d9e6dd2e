"""Compilation is announced and counted; what comes from disk is neither."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numba
import pytest

from denseba_ros import notices, numba_jit


@pytest.fixture
def first_time() -> Iterator[None]:
    """As in a new process: nothing was announced yet."""
    numba_jit._say_once.cache_clear()
    yield
    numba_jit._say_once.cache_clear()


def compile_one() -> None:
    numba.njit("f8(f8)")(lambda x: x + 1.0)


@pytest.mark.usefixtures("first_time")
def test_the_first_compilation_is_announced_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "denseba_ros.numba_jit")
    compile_one()
    compile_one()
    assert [r.message for r in caplog.records if "compiling" in r.message] == [
        "compiling for this CPU, the first time only: about a minute"
    ]


def test_compilations_are_counted_while_asked_for() -> None:
    count = 0

    def count_one() -> None:
        nonlocal count
        count += 1

    with numba_jit.each_compilation(count_one):
        compile_one()
        compile_one()
    compile_one()
    assert count == 2


@pytest.mark.usefixtures("first_time")
def test_the_notice_looks_like_a_line_of_ros(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    logger = logging.getLogger("denseba_ros.numba_jit")
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "level", logging.NOTSET)
    notices.show_notices()
    notices.show_notices()
    logger.info("compiling")
    assert capsys.readouterr().err == "[INFO] [denseba]: compiling\n"
