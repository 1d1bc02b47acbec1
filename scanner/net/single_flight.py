"""Single flight: the work for a key is done once, even if many tasks request the work at the same time.

The first task that requests a result does the work. If the task that does the work is cancelled, one of the waiting
tasks does the work instead, so that the waiting tasks still get a result. ``gather`` applies one function to many items
concurrently.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import trio

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


LIMIT = 4096
"""Maximum number of kept results: about 80 MB of memory if each result is a host with its certificates (20 KB)."""

OCTETS = 32 * 1024 * 1024
"""Maximum total number of octets of the large results that are kept; the certificates of one host may have 4 MB."""


@dataclass(slots=True)
class _Flight(Generic[V]):
    """Work for one key that is in progress, or the result of the work.

    The event ``ended`` exists only if a task waits for the work.
    """

    done: bool = False
    value: V | None = None
    error: Exception | None = None
    ended: trio.Event | None = None

    def end(self) -> None:
        """Wake the waiting tasks, because the work is done or the working task was cancelled."""
        if self.ended is not None:
            self.ended.set()

    async def wait(self) -> None:
        """Wait until ``end`` is called, because the work is done or the working task was cancelled."""
        if self.ended is None:
            self.ended = trio.Event()
        await self.ended.wait()


class SingleFlight(Generic[K, V]):
    """Asynchronous work that is done once for each key; the most recently used results are kept.

    Args:
        limit: maximum number of kept results, 0 to keep no result; work in flight is not counted.
        load: function that returns the result for a key from a store outside memory, or None; for a loaded result, no
            work is done.
        weigh: function that returns the number of octets of a large result, or 0 for a result of the usual size; the
            kept large results have at most ``OCTETS`` octets in total.
    """

    def __init__(
        self,
        limit: int = LIMIT,
        load: Callable[[K], V | None] | None = None,
        weigh: Callable[[V], int] = lambda _: 0,
    ) -> None:
        self._limit = limit
        self._weigh = weigh
        self._large: OrderedDict[K, int] = OrderedDict()
        self._load = load
        self._in_flight: dict[K, _Flight[V]] = {}
        self._done: OrderedDict[K, _Flight[V]] = OrderedDict()  # most recently used last

    async def get(self, key: K, work: Callable[[], Awaitable[V]]) -> V:
        """Return the result for ``key``; do ``work`` only if neither a result nor work in progress exists.

        Raises:
            RuntimeError: the function ``work`` raised an exception, which is the cause of the RuntimeError. All callers
                get the RuntimeError, including later callers while the RuntimeError is kept. An exception of ``work``
                is a bug of mxsweep, since ``work`` returns a remote failure as a value.
        """
        flight = self._find(key)
        while flight is not None and not flight.done:
            await flight.wait()
            if not flight.done:  # the working task was cancelled; another task may have begun the work again
                flight = self._find(key)
        if flight is None:
            flight = await self._do(key, work)
        if flight.error is not None:
            raise RuntimeError(f"shared work on {key!r} failed") from flight.error
        return flight.value  # type: ignore[return-value] # set before done, unless error was

    def forget(self, when: Callable[[V], bool]) -> list[V]:
        """Remove the kept results for which ``when`` is true, and return the removed results."""
        gone = {key: flight.value for key, flight in self._done.items() if flight.value is not None}
        gone = {key: value for key, value in gone.items() if when(value)}
        for key in gone:
            del self._done[key]
            self._large.pop(key, None)
        return list(gone.values())

    def kept(self, key: K) -> V | None:
        """Return the kept or loaded result for ``key``, None if there is no result yet or the work failed."""
        flight = self._find(key)
        return flight.value if flight is not None and flight.done else None

    def __contains__(self, key: K) -> bool:
        """Return whether ``get`` would return a result for this key without new work."""
        return self._find(key) is not None

    def __len__(self) -> int:
        return len(self._in_flight) + len(self._done)

    async def _do(self, key: K, work: Callable[[], Awaitable[V]]) -> _Flight[V]:
        flight = self._in_flight[key] = _Flight()
        try:
            flight.value = await work()
            flight.done = True
        except Exception as error:  # noqa: BLE001 - raised to every caller by get
            flight.error, flight.done = error, True
        finally:
            del self._in_flight[key]
            flight.end()
        self._remember(key, flight)
        return flight

    def _find(self, key: K) -> _Flight[V] | None:
        """Return the flight of the key: a kept result, work in progress, or a loaded result; keep a loaded result."""
        flight = self._done.get(key)
        if flight is not None:
            self._done.move_to_end(key)
            return flight
        flight = self._in_flight.get(key)
        if flight is None and self._load is not None:
            value = self._load(key)
            if value is not None:
                flight = _Flight(done=True, value=value)
                self._remember(key, flight)
        return flight

    def _remember(self, key: K, flight: _Flight[V]) -> None:
        if self._limit:
            self._done[key] = flight
            if len(self._done) > self._limit:
                oldest, _ = self._done.popitem(last=False)
                self._large.pop(oldest, None)
            if flight.value is not None and (octets := self._weigh(flight.value)):
                self._remember_large(key, octets)

    def _remember_large(self, key: K, octets: int) -> None:
        """Remove the oldest large results beyond ``OCTETS``, but not the result of this key."""
        self._large.pop(key, None)
        self._large[key] = octets
        while sum(self._large.values()) > OCTETS and len(self._large) > 1:
            oldest, _ = self._large.popitem(last=False)
            self._done.pop(oldest, None)


A = TypeVar("A")


async def gather(items: Sequence[A], work: Callable[[A], Awaitable[V]], limit: int | None = None) -> list[V]:
    """Call ``work`` for all items concurrently; return the results in the order of the items.

    Args:
        items: the arguments of ``work``; the work begins in the order of the items.
        work: an asynchronous function of one item.
        limit: maximum number of items in work at a time, each in a task; None for no limit.
    """
    if not items:
        return []
    if len(items) == 1:  # most domains have one host and most hosts one address: saves a nursery and a task
        return [await work(items[0])]
    results: dict[int, V] = {}
    waiting = iter(enumerate(items))

    async def worker() -> None:
        for index, item in waiting:
            results[index] = await work(item)

    async with trio.open_nursery() as nursery:
        for _ in range(min(len(items), limit or len(items)) - 1):
            nursery.start_soon(worker)
        await worker()  # in this task, which would only wait
    return [results[index] for index in range(len(items))]
