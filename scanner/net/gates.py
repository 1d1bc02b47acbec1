"""Who may connect now: caps by provider, network, address and in all, and how fast.

Gates are passed in one order, always: provider, network, address, total. So nobody holds a scarce global slot while
waiting for a busy server, and two tasks cannot wait for each other. The last wait is for the rate, so that nothing
can bunch up behind it; a stage's clock starts after it.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from scanner.core.providers import provider_of
from scanner.net.gcra import GCRA
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


class Spacing:
    """The least time between two beginnings at one key. Arithmetic: the caller says what time it is, and waits."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due: OrderedDict[str, float] = OrderedDict()  # by time, as all keys rest equally long

    def due(self, key: str, now: float) -> float:
        """When the next one may begin: ``now`` or later."""
        return max(now, self._due.get(key, now))

    def began(self, key: str, now: float) -> None:
        """Note that one has begun; keys whose rest is over are forgotten."""
        self._due[key] = now + self._seconds
        self._due.move_to_end(key)
        while self._due and next(iter(self._due.values())) <= now:
            self._due.popitem(last=False)

    def __len__(self) -> int:
        return len(self._due)


class Gates:
    """All caps and rates together."""

    def __init__(self, caps: Caps) -> None:
        self._provider = KeyedCap(caps.per_provider)
        self._network = KeyedCap(caps.per_network)
        self._address = KeyedCap(caps.per_address)
        self._turn = KeyedCap(1)  # at one address connections begin one after the other
        self._total = trio.Semaphore(caps.total)
        self._limit = caps.total
        self._surplus = 0
        self._spacing = Spacing(caps.spacing)
        self._rate = GCRA(caps.rate)

    @asynccontextmanager
    async def connection(self, address: str, host: str) -> AsyncIterator[None]:
        """Wait until one more connection to ``address`` is in order, and hold its place.

        Args:
            address: where the connection goes.
            host: the name of the mail host that leads there; it tells the provider.
        """
        async with (
            self._provider.slot(provider_of(host)),
            self._network.slot(network_of(address)),
            self._address.slot(address),
        ):
            await self._begin(address)
            try:
                yield
            finally:
                self._leave()

    def shrink(self) -> None:
        """Let one connection less be open at once from now on; one is always left."""
        if self._limit > 1:
            self._limit -= 1
            self._surplus += 1

    def _leave(self) -> None:
        if self._surplus:
            self._surplus -= 1
        else:
            self._total.release()

    async def _begin(self, address: str) -> None:
        """Return with a slot of the total, when the address has rested and the rate allows one more."""
        async with self._turn.slot(address):
            await trio.sleep_until(self._spacing.due(address, trio.current_time()))
            await self._total.acquire()
            try:
                await trio.sleep_until(self._rate.reserve(trio.current_time()))
            except BaseException:
                self._leave()
                raise
            self._spacing.began(address, trio.current_time())
