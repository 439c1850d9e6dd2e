"""How the loops over pixels and points are compiled for the CPU.

Each is compiled for one signature, when its module is imported or its owner is first constructed,
and cached on disk, so that no image waits for a compiler. None keeps state or starts
threads; only the shortest hold the interpreter's lock.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeVar, cast

import numba
from numba.core import event

_log = logging.getLogger(__name__)
_Function = TypeVar("_Function", bound=Callable[..., Any])

# Sums may be taken in another order, which lets them use vector units: the same on each run, but
# not the same to the last bit on another kind of CPU. NaN and infinity keep their meaning.
# Without "contract": with it, code just compiled and code read back from disk round differently.
_FAST_MATH = {"reassoc", "arcp", "nsz"}


def numba_jit(
    signature: str | None = None, keeps_lock: bool = False
) -> Callable[[_Function], _Function]:
    """Decorator: compile with numba for ``signature`` (numba's notation); without one, at the first
    call. The result is cached on disk if a folder is writable.

    ``keeps_lock``: of the interpreter; for loops that are done sooner than another thread would
    give it back.
    """

    def decorate(function: _Function) -> _Function:
        options: dict[str, Any] = {
            "nogil": not keeps_lock,
            "error_model": "numpy",
            "fastmath": _FAST_MATH,
        }
        try:
            result = numba.njit(signature, cache=True, **options)(function)
        except RuntimeError as error:
            # Neither beside the sources nor in the user's home is a folder that can be written.
            _log.warning("%s; it is compiled again by every process", error)
            result = numba.njit(signature, **options)(function)
        return cast(_Function, result)

    return decorate


class _Compilations(event.Listener):  # type: ignore[misc]
    """Calls ``on_compiled`` before a function is compiled, not where it is read from disk."""

    def __init__(self, on_compiled: Callable[[], object]) -> None:
        self._on_compiled = on_compiled

    def on_start(self, event: event.Event) -> None:
        self._on_compiled()

    def on_end(self, event: event.Event) -> None:
        """Nothing."""


@contextmanager
def each_compilation(on_compiled: Callable[[], object]) -> Iterator[None]:
    """Call ``on_compiled`` before each function that is compiled inside, in any thread.

    What is read from disk is not compiled.
    """
    with event.install_listener("numba:compile", _Compilations(on_compiled)):
        yield


@lru_cache(maxsize=1)
def _say_once() -> None:
    _log.info("compiling for this CPU, the first time only: about a minute")


event.register("numba:compile", _Compilations(_say_once))  # type: ignore[no-untyped-call]
