"""A mapping of the keys of alerts that is also ordered by scope: a note is about one scope of thousands."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import TypeVar

from .message import Key

T = TypeVar("T")


class ByScope(MutableMapping[Key, T]):
    """A mapping in the order of insertion. ``of(scope)`` takes time in proportion to the keys of this scope alone."""

    def __init__(self) -> None:
        self._all: dict[Key, T] = {}
        self._scopes: dict[str, dict[Key, T]] = {}

    def __getitem__(self, key: Key) -> T:
        return self._all[key]

    def __setitem__(self, key: Key, value: T) -> None:
        self._all[key] = value
        self._scopes.setdefault(key.scope, {})[key] = value

    def __delitem__(self, key: Key) -> None:
        del self._all[key]
        of_scope = self._scopes[key.scope]
        del of_scope[key]
        if not of_scope:
            del self._scopes[key.scope]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def of(self, scope: str) -> dict[Key, T]:
        """Return a copy of the part with this scope."""
        return self._scopes.get(scope, {}).copy()
