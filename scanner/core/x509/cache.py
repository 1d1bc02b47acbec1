"""Memory of earlier answers whose size is bounded in octets, since the size of a certificate is its server's choice."""

from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Generic, TypeVar

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")

LARGE = 4
"""Results kept of arguments beyond the usual size: enough for the steps of one probe that ask for the same one."""


def remembered(entries: int, octets: int) -> Callable[[Callable[[bytes], _V]], Callable[[bytes], _V]]:
    """Return a decorator that keeps the results of a function of octets, the least recently used ones dropped first.

    Args:
        entries: results kept of arguments of the usual size.
        octets: the usual size; of longer arguments, ``LARGE`` results are kept.
    """

    def decorate(function: Callable[[bytes], _V]) -> Callable[[bytes], _V]:
        usual, large = lru_cache(entries)(function), lru_cache(LARGE)(function)

        def call(data: bytes) -> _V:
            return usual(data) if len(data) <= octets else large(data)

        call.__doc__ = function.__doc__
        return call

    return decorate


class Kept(Generic[_K, _V]):
    """Values by small keys, such as digests; the oldest are dropped beyond a number of entries."""

    def __init__(self, entries: int) -> None:
        self._entries = entries
        self._found: dict[_K, _V] = {}

    def peek(self, key: _K) -> _V | None:
        """Return the value of a key, None if it is not at hand."""
        return self._found.get(key)

    def get(self, key: _K, make: Callable[[], _V]) -> _V:
        """Return the value of a key, made where it is not at hand."""
        try:
            return self._found[key]
        except KeyError:
            value = make()
        if len(self._found) >= self._entries:
            del self._found[next(iter(self._found))]
        self._found[key] = value
        return value
