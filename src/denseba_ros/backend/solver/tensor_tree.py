"""Walks nested dataclasses and dictionaries of tensors, as ``Problem`` is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from torch import Tensor

Nested = TypeVar("Nested")


def map_tensors(value: Nested, change: Callable[[Tensor], Tensor]) -> Nested:
    """The same structure with every tensor changed; everything else is shared."""
    return _mapped(value, change)  # type: ignore[no-any-return]


def _mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, dict):
        return {key: _mapped(item, change) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        changed = {f.name: _mapped(getattr(value, f.name), change) for f in fields(value)}
        return replace(value, **changed)
    return value


def leaves(value: Any) -> Iterator[Any]:
    """Tensors and everything else that is no structure, always in the same order."""
    if isinstance(value, dict):
        for key in sorted(value):
            yield key
            yield from leaves(value[key])
    elif is_dataclass(value) and not isinstance(value, type):
        for f in fields(value):
            yield from leaves(getattr(value, f.name))
    else:
        yield value


def tensors_of(value: Any) -> list[Tensor]:
    """All tensors, in the order of ``leaves``."""
    return [leaf for leaf in leaves(value) if isinstance(leaf, Tensor)]


def signature(value: Any) -> tuple[Any, ...]:
    """What must be equal for two structures to differ in their tensors' numbers alone."""
    return tuple(
        (tuple(leaf.shape), leaf.dtype, leaf.device) if isinstance(leaf, Tensor) else leaf
        for leaf in leaves(value)
    )
