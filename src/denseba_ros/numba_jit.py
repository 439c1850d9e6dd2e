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

from denseba_ros.numba_cache import keep_on_disk

_log = logging.getLogger(__name__)
_Function = TypeVar("_Function", bound=Callable[..., Any])

# A zero may lose its sign; all else is rounded as written. With "reassoc", "arcp" or "contract" the
# compiler may round a function in two ways, and which of them runs depends on chance: on whether a
# caller was compiled in this process or read from disk; and on where memory was free, as an array
# right behind one that is written counts as overlapping where indices are signed (numba's a[-1]),
# and single elements are taken instead of vectors.
_FAST_MATH = {"nsz"}
# For sums alone: the same on each run, but not to the last bit on another kind of CPU.
_FAST_SUMS = _FAST_MATH | {"reassoc"}


def numba_jit(
    signature: str | None = None, keeps_lock: bool = False, reorders_sums: bool = False
) -> Callable[[_Function], _Function]:
    """Decorator: compile with numba for ``signature`` (numba's notation); without one, at the first
    call. The result is cached on disk if a folder is writable.

    ``keeps_lock``: of the interpreter; for loops that are done sooner than another thread would
    give it back. ``reorders_sums``: so that they use vector units; for loops that write no array,
    or over unsigned indices of arrays that share no memory, and with a signature, so that all
    callers run the same code. Raises ValueError without one.
    """
    if reorders_sums and signature is None:
        raise ValueError("a function that reorders sums needs a signature")

    def decorate(function: _Function) -> _Function:
        options: dict[str, Any] = {
            "nogil": not keeps_lock,
            "error_model": "numpy",
            "fastmath": _FAST_SUMS if reorders_sums else _FAST_MATH,
        }
        result = numba.njit(**options)(function)
        try:
            keep_on_disk(result, options)
        except RuntimeError as error:
            # Neither beside the sources nor in the user's home is a folder that can be written.
            _log.warning("%s; it is compiled again by every process", error)
        if signature is not None:
            result.compile(signature)
            result.disable_compile()
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
