"""How the loops over pixels and points are compiled for the CPU.

Each is compiled for one signature when its module is imported and kept on disk, so that no image
waits for a compiler; none holds the interpreter's lock, keeps state or starts threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

_Function = TypeVar("_Function", bound=Callable[..., Any])

# Sums may be taken in another order, which lets them use vector units: the same on each run, but
# not the same to the last bit on another kind of CPU. NaN and infinity keep their meaning.
_FAST_MATH = {"reassoc", "contract", "arcp", "nsz"}


def compiled(signature: str | None = None) -> Callable[[_Function], _Function]:
    """Decorator: compile with numba for ``signature``; without one, only into its callers."""

    def decorate(function: _Function) -> _Function:
        result: Any = numba.njit(
            signature, cache=True, nogil=True, error_model="numpy", fastmath=_FAST_MATH
        )(function)
        return cast(_Function, result)

    return decorate
