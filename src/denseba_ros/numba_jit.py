"""How the loops over pixels and points are compiled for the CPU.

Each is compiled for one signature, when its module is imported or its owner is first constructed,
and cached on disk, so that no image waits for a compiler. None holds the interpreter's lock, keeps
state or starts threads.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

_log = logging.getLogger(__name__)
_Function = TypeVar("_Function", bound=Callable[..., Any])

# Sums may be taken in another order, which lets them use vector units: the same on each run, but
# not the same to the last bit on another kind of CPU. NaN and infinity keep their meaning.
# Without "contract": with it, code just compiled and code read back from disk round differently.
_FAST_MATH = {"reassoc", "arcp", "nsz"}


def numba_jit(signature: str | None = None) -> Callable[[_Function], _Function]:
    """Decorator: compile with numba for ``signature`` (numba's notation); without one, at the first
    call. The result is cached on disk if a folder is writable."""

    def decorate(function: _Function) -> _Function:
        options: dict[str, Any] = {
            "nogil": True,
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
