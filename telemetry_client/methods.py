"""Methods made of queries: they look like them to whoever asks, an editor or `help`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TypeVar

F = TypeVar("F", bound=Callable[..., object])


def named_like(query: Callable[..., object], method: F) -> F:
    """The method under the query's name, with its words and its parameters, for people who ask."""
    method.__name__, method.__doc__ = query.__name__, query.__doc__
    method.__qualname__ = query.__qualname__
    signature = inspect.signature(query)
    this = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    method.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[this, *signature.parameters.values()],
        return_annotation=inspect.Signature.empty,
    )
    return method
