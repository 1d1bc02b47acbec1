"""Result caches whose memory is bounded in octets, since a server may send certificates of any size."""

from collections.abc import Callable, Hashable
from contextlib import suppress
from functools import lru_cache
from typing import Generic, TypeVar

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")

LARGE = 4
"""Maximum number of cached results for arguments above the usual size (``octets`` of ``remembered``)."""


def remembered(entries: int, octets: int) -> Callable[[Callable[[bytes], _V]], Callable[[bytes], _V]]:
    """Return a decorator that caches the results of a function of octets and drops the least recently used results.

    Args:
        entries: maximum number of cached results for arguments of the usual size.
        octets: the usual size in octets; for longer arguments, ``LARGE`` results are cached.
    """

    def decorate(function: Callable[[bytes], _V]) -> Callable[[bytes], _V]:
        usual, large = lru_cache(entries)(function), lru_cache(LARGE)(function)

        def call(data: bytes) -> _V:
            return usual(data) if len(data) <= octets else large(data)

        call.__doc__ = function.__doc__
        return call

    return decorate


class Kept(Generic[_K, _V]):
    """Cache of at most ``entries`` values by small keys, such as digests; a full cache drops its oldest entry."""

    def __init__(self, entries: int) -> None:
        self._entries = entries
        self._found: dict[_K, _V] = {}

    def peek(self, key: _K) -> _V | None:
        """Return the cached value of a key, or None."""
        return self._found.get(key)

    def get(self, key: _K, make: Callable[[], _V]) -> _V:
        """Return the cached value of a key; if no value is cached, call ``make`` and cache the value."""
        try:
            return self._found[key]
        except KeyError:
            value = make()
        if len(self._found) >= self._entries:
            with suppress(RuntimeError, KeyError):  # another thread added or removed a key at the same moment
                del self._found[next(iter(self._found))]
        self._found[key] = value
        return value
