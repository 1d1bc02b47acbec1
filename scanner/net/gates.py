"""Who may connect now: caps by provider, network, address and in all, and how fast.

Gates are passed in one order, always: provider, network, address, total. So nobody holds a scarce global slot while
waiting for a busy server, and two tasks cannot wait for each other. The last wait is for the rate, so that nothing
can bunch up behind it; a stage's clock starts after it.

A trial, which is to tell whether the network is there at all, does not stand in line behind those who wait for it: it
is the next at each gate, and takes a place of the rate without waiting for it.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache

import trio

from scanner.core.providers import provider_of
from scanner.net.gcra import GCRA
from scanner.settings import Caps

REMEMBERED = 4096
"""Addresses whose network is known: each is asked for several times in a row."""

NETWORK_V4 = 24
NETWORK_V6 = 48
"""Prefix lengths of "a network": what one operator is commonly given."""


@lru_cache(REMEMBERED)
def network_of(address: str) -> str:
    """The /24 or /48 that an address lies in; a UNIX path is its own network."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if ip.version == 4:  # noqa: PLR2004 - IP versions
        return f"{address.rpartition('.')[0]}.0/{NETWORK_V4}"
    return str(ipaddress.ip_network((ip, NETWORK_V6), strict=False))


LATE = 0.1
"""Seconds after which a place in the line for the rate is missed: what a busy process may be late."""


class KeyedCap:
    """At most ``limit`` holders of each key at once; idle keys vanish.

    A slot that is free is taken without a pause: what follows in a scan waits soon enough, and a turn of the
    scheduler for each gate took a twentieth of a probe's processor time. One that becomes free goes to whoever waited
    longest, trials first.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: dict[str, int] = {}
        self._waiting: dict[str, trio.lowlevel.ParkingLot] = {}
        self._trials: dict[str, trio.lowlevel.ParkingLot] = {}

    def slot(self, key: str, *, trial: bool = False) -> "_Slot":
        """Wait for a slot of ``key`` and hold it, as an ``async with``."""
        return _Slot(self, key, trial)

    async def acquire(self, key: str, *, trial: bool = False) -> None:
        """Wait for a slot of ``key``; the caller gives it back."""
        held = self._held.get(key, 0)
        if held < self._limit:
            self._held[key] = held + 1
            return
        lots = self._trials if trial else self._waiting
        lot = lots.setdefault(key, trio.lowlevel.ParkingLot())
        try:
            await lot.park()  # whoever releases a slot hands it over
        finally:
            if not lot and lots.get(key) is lot:
                del lots[key]

    def release(self, key: str) -> None:
        """Give a slot back."""
        if waiting := self._trials.get(key) or self._waiting.get(key):  # empty if who waited has just been cancelled
            waiting.unpark()
        elif self._held[key] > 1:
            self._held[key] -= 1
        else:
            del self._held[key]

    def __len__(self) -> int:
        return len(self._held)


class _Slot:
    """One holder's slot."""

    __slots__ = ("_cap", "_key", "_trial")

    def __init__(self, cap: KeyedCap, key: str, trial: bool) -> None:  # noqa: FBT001 - passed on
        self._cap = cap
        self._key = key
        self._trial = trial

    async def __aenter__(self) -> None:
        await self._cap.acquire(self._key, trial=self._trial)

    async def __aexit__(self, *_: object) -> None:
        self._cap.release(self._key)


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
        self._total = KeyedCap(caps.total)
        self._limit = caps.total
        self._surplus = 0
        self._spacing = Spacing(caps.spacing)
        self._rate = GCRA(caps.rate)

    @asynccontextmanager
    async def connection(self, address: str, host: str, *, trial: bool = False) -> AsyncIterator[None]:
        """Wait until one more connection to ``address`` is in order, and hold its place.

        Args:
            address: where the connection goes.
            host: the name of the mail host that leads there; it tells the provider.
            trial: it is to tell whether the network is there.
        """
        async with (
            self._provider.slot(provider_of(host), trial=trial),
            self._network.slot(network_of(address), trial=trial),
            self._address.slot(address, trial=trial),
        ):
            await self._begin(address, trial=trial)
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
            self._total.release("")

    async def _begin(self, address: str, *, trial: bool) -> None:
        """Return with a slot of the total, when the address has rested and the rate allows one more."""
        async with self._turn.slot(address, trial=trial):
            await _sleep_until(self._spacing.due(address, trio.current_time()))
            await self._total.acquire("", trial=trial)
            try:
                if trial:
                    self._rate.reserve(trio.current_time())
                else:
                    await self._pace()
            except BaseException:
                self._leave()
                raise
            self._spacing.began(address, trio.current_time())

    async def _pace(self) -> None:
        """Return when the rate allows one more. After a time in which nothing ran, places do not come all at once."""
        missed = True
        while missed:
            at = self._rate.reserve(trio.current_time())
            await _sleep_until(at)
            missed = trio.current_time() - at > LATE


async def _sleep_until(time: float) -> None:
    """Wait, if there is anything to wait for."""
    if time > trio.current_time():
        await trio.sleep_until(time)
