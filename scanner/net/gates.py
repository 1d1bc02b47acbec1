"""Who may connect now: caps per network, per address and in all.

Gates are passed in one order, always: network, address, total. So nobody holds a scarce global slot while waiting
for a busy server, and two tasks cannot wait for each other. A stage's clock starts after the last gate.
"""

import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from scanner.settings import Caps

NETWORK_V4 = 24
NETWORK_V6 = 48
"""Prefix lengths of "a network": what one operator is commonly given."""


def network_of(address: str) -> str:
    """The /24 or /48 that an address lies in; a UNIX path is its own network."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    prefix = NETWORK_V4 if ip.version == 4 else NETWORK_V6  # noqa: PLR2004 - IP versions
    return str(ipaddress.ip_network((ip, prefix), strict=False))


class KeyedCap:
    """At most ``limit`` holders of each key at once; idle keys vanish."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._slots: dict[str, tuple[trio.Semaphore, int]] = {}

    @asynccontextmanager
    async def slot(self, key: str) -> AsyncIterator[None]:
        """Wait for a slot of ``key`` and hold it."""
        semaphore = self._join(key)
        try:
            async with semaphore:
                yield
        finally:
            self._leave(key)

    def _join(self, key: str) -> trio.Semaphore:
        semaphore, users = self._slots.get(key) or (trio.Semaphore(self._limit), 0)
        self._slots[key] = (semaphore, users + 1)
        return semaphore

    def _leave(self, key: str) -> None:
        semaphore, users = self._slots.pop(key)
        if users > 1:
            self._slots[key] = (semaphore, users - 1)

    def __len__(self) -> int:
        return len(self._slots)


class Gates:
    """All caps together."""

    def __init__(self, caps: Caps) -> None:
        self._network = KeyedCap(caps.per_network)
        self._address = KeyedCap(caps.per_address)
        self._total = trio.Semaphore(caps.total)

    @asynccontextmanager
    async def connection(self, address: str) -> AsyncIterator[None]:
        """Wait until one more connection to ``address`` is in order, and hold its place."""
        async with self._network.slot(network_of(address)), self._address.slot(address), self._total:
            yield
