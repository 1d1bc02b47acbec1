"""Limits on simultaneous connections by provider, network, address and in total, and on the rate of new connections.

A task always acquires its slots (permissions to connect) in the order provider, network, address, total. With a fixed
order, no task holds one of the few slots of the total limit while the task waits for a slot of a busy server, and two
tasks cannot wait for each other's slots. A task waits for the rate limit of new connections after the task has acquired
its slots. If tasks waited for the rate limit first, several tasks that have passed the rate limit could wait for slots
and then connect at the same moment. The deadlines of a probe start after the wait for the rate limit.

A trial connection, which tests whether the network works, precedes all other connections in the queue for each slot. A
trial connection does not wait for the rate limit, but is counted in the rate of new connections.
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
"""Maximum number of addresses whose network is cached; a connection needs the network of its address several times."""

NETWORK_V4 = 24
NETWORK_V6 = 48
"""Prefix length of an IPv6 network: like ``NETWORK_V4``, a common size of an assignment to one operator."""


@lru_cache(REMEMBERED)
def network_of(address: str) -> str:
    """Return the /24 or /48 network of an address; the path of a UNIX socket is a separate network."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if ip.version == 4:  # noqa: PLR2004 - IP versions
        return f"{address.rpartition('.')[0]}.0/{NETWORK_V4}"
    return str(ipaddress.ip_network((ip, NETWORK_V6), strict=False))


LATE = 0.1
"""Delay in seconds after which a connection has missed its reserved start time, so that another start time is reserved.

Delays of less than 0.1 seconds are usual in a busy process.
"""


class KeyedCap:
    """A limit of ``limit`` simultaneously held slots for each key, for example for each address.

    Keys without held slots take no memory. A free slot is acquired without a trio checkpoint: the connection that
    follows has checkpoints, and one more checkpoint for each limit took 5 % of a probe's processor time. A released
    slot goes to a waiting trial connection, and if no trial connection waits, to the task that has waited longest.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: dict[str, int] = {}
        self._waiting: dict[str, trio.lowlevel.ParkingLot] = {}
        self._trials: dict[str, trio.lowlevel.ParkingLot] = {}

    def slot(self, key: str, *, trial: bool = False) -> "_Slot":
        """Return an async context manager that waits for a slot of ``key`` and holds the slot."""
        return _Slot(self, key, trial)

    def is_awaited(self, key: str) -> bool:
        """Return whether a task waits for a slot of ``key``."""
        return bool(self._waiting.get(key) or self._trials.get(key))

    def take(self, key: str) -> bool:
        """Take a slot of ``key`` and return True, or return False if no slot is free; the caller releases the slot."""
        held = self._held.get(key, 0)
        if held >= self._limit:
            return False
        self._held[key] = held + 1
        return True

    async def acquire(self, key: str, *, trial: bool = False) -> None:
        """Wait for a slot of ``key``; the caller releases the slot."""
        if self.take(key):
            return
        lots = self._trials if trial else self._waiting
        lot = lots.setdefault(key, trio.lowlevel.ParkingLot())
        try:
            await lot.park()  # the task that releases a slot passes the slot to this task
        finally:
            if not lot and lots.get(key) is lot:
                del lots[key]

    def release(self, key: str) -> None:
        """Release a slot of ``key``."""
        if waiting := self._trials.get(key) or self._waiting.get(key):  # empty if its task was just cancelled
            waiting.unpark()
        elif self._held[key] > 1:
            self._held[key] -= 1
        else:
            del self._held[key]

    def __len__(self) -> int:
        return len(self._held)


class _Slot:
    """An async context manager that holds one slot of a ``KeyedCap``."""

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
    """The minimum time between the starts of two connections with the same key, for example to the same address.

    The caller passes the current time and does the waiting.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due: OrderedDict[str, float] = OrderedDict()  # sorted by time, as the spacing is the same for all keys

    def due(self, key: str, now: float) -> float:
        """Return the earliest time at which the next connection for ``key`` may start: ``now`` or later."""
        return max(now, self._due.get(key, now))

    def began(self, key: str, now: float) -> None:
        """Record the start of a connection for ``key``, and remove the keys whose minimum time has passed."""
        self._due[key] = now + self._seconds
        self._due.move_to_end(key)
        while self._due and next(iter(self._due.values())) <= now:
            self._due.popitem(last=False)

    def __len__(self) -> int:
        return len(self._due)


class Gates:
    """All limits on simultaneous connections of a scan, and on the rate of its new connections."""

    def __init__(self, caps: Caps) -> None:
        self._provider = KeyedCap(caps.per_provider)
        self._network = KeyedCap(caps.per_network)
        self._address = KeyedCap(caps.per_address)
        self._turn = KeyedCap(1)  # only one connection to an address may start at a time
        self._total = KeyedCap(caps.total)
        self._limit = caps.total
        self._surplus = 0
        self._spacing = Spacing(caps.spacing)
        self._rate = GCRA(caps.rate)

    @asynccontextmanager
    async def connection(self, address: str, host: str, *, trial: bool = False) -> AsyncIterator[None]:
        """Wait until one more connection to ``address`` is allowed, and hold its slots during the ``with`` block.

        Args:
            address: the address to connect to.
            host: the MX host with this address, whose name determines the provider.
            trial: true for a connection that tests whether the network works.
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

    @property
    def is_awaited(self) -> bool:
        """True if a task waits for a slot of the limit on all connections."""
        return self._total.is_awaited("")

    def shrink(self) -> None:
        """Reduce the limit on all simultaneous connections by one, but not below one connection."""
        if self._limit > 1:
            self._limit -= 1
            self._surplus += 1

    def _leave(self) -> None:
        if self._surplus:
            self._surplus -= 1
        else:
            self._total.release("")

    async def _begin(self, address: str, *, trial: bool) -> None:
        """Wait for the pause between connections to the address, the limit on all connections, and the rate limit."""
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
        """Wait until the rate limit of new connections allows the start of a connection.

        If the process was suspended at the time that was reserved for the connection, reserve another time.
        """
        missed = True
        while missed:
            at = self._rate.reserve(trio.current_time())
            await _sleep_until(at)
            missed = trio.current_time() - at > LATE


async def _sleep_until(time: float) -> None:
    """Sleep until a time; return without a trio checkpoint if the time has passed."""
    if time > trio.current_time():
        await trio.sleep_until(time)
