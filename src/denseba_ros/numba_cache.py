"""Compiled loops on disk that notice a change in anything that was compiled in.

Numba looks for changes in a function's own file alone. Functions that it calls and constants of
other modules are compiled in too, so that an update of those would go on running the old code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

import numpy as np
from numba.core.caching import FunctionCache
from numba.core.dispatcher import Dispatcher

# Of each compiled function, what its machine code was made of.
_digests: dict[Dispatcher, str] = {}


class CompiledFunctionCache(FunctionCache):  # type: ignore[misc]
    """Numba's cache of a function, whose entries are of one digest.

    Raises RuntimeError if no folder for it can be written.
    """

    def __init__(self, function: Callable[..., Any], digest: str) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        self._digest = digest

    def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        return (*super()._index_key(sig, codegen), self._digest)  # type: ignore[no-untyped-call]


def keep_on_disk(dispatcher: Dispatcher, options: dict[str, Any]) -> None:
    """Read ``dispatcher``'s code from disk where it is of the same sources, called functions,
    constants and ``options``; else write it there once it is compiled.

    Raises RuntimeError if no folder for it can be written.
    """
    digest = _digest(dispatcher.py_func, options)
    _digests[dispatcher] = digest
    dispatcher._cache = CompiledFunctionCache(dispatcher.py_func, digest)  # type: ignore[attr-defined]


def _digest(function: Callable[..., Any], options: dict[str, Any]) -> str:
    """Of code, options, and all globals that a compiler takes for constants."""
    text = repr(sorted((k, sorted(v) if isinstance(v, set) else v) for k, v in options.items()))
    for code in _codes(function.__code__):
        constants = [c for c in code.co_consts if not isinstance(c, CodeType)]
        text += f"{code.co_code!r}{constants!r}"
        for name in code.co_names:
            text += f"{name}={_constant(function.__globals__.get(name))}"
    return hashlib.sha256(text.encode()).hexdigest()


def _codes(code: CodeType) -> Iterator[CodeType]:
    """The code and the code of what is defined in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _constant(value: object) -> str:
    if isinstance(value, Dispatcher):
        return _digests.get(value, "")
    if isinstance(value, int | float | bool | str | tuple | np.generic):
        return repr(value)
    return ""
