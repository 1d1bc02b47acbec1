"""Work that is shared or done side by side.

``SingleFlight`` is a memo: each key's work is done once, however many ask. Who asks first does it; if that one is
cancelled, one of those who wait does it in its place, so that an asker that goes away spoils nothing for the others.
It remembers the results that were used last, so many of them; what it has forgotten it may find on a shelf. ``gather``
does one thing to many items at once. ``origin`` finds what went wrong at the bottom of it all.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import trio

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


LIMIT = 4096
"""Results remembered: at some 20 KB for a host with its certificates, 80 MB; the busiest hosts are among them."""


@dataclass(slots=True)
class _Entry(Generic[V]):
    done: bool = False
    value: V | None = None
    error: Exception | None = None
    waiting: trio.Event | None = None  # of those who have to; most results are asked for when they are there

    def end(self) -> None:
        """Wake who waits: the work is done, or who did it was cancelled."""
        if self.waiting is not None:
            self.waiting.set()

    async def ended(self) -> None:
        """Wait for that."""
        if self.waiting is None:
            self.waiting = trio.Event()
        await self.waiting.wait()


class SingleFlight(Generic[K, V]):
    """A memo of asynchronous work by key.

    Args:
        limit: results that are remembered; work that is under way comes on top.
        shelf: knows results that are remembered no more, or were found by an earlier process; None if it does not.
    """

    def __init__(self, limit: int = LIMIT, shelf: Callable[[K], V | None] | None = None) -> None:
        self._limit = limit
        self._shelf = shelf
        self._working: dict[K, _Entry[V]] = {}
        self._done: OrderedDict[K, _Entry[V]] = OrderedDict()  # used last, last

    async def get(self, key: K, work: Callable[[], Awaitable[V]]) -> V:
        """The value of ``key``; ``work`` is done only if nobody has asked before.

        An exception of the work (a bug of ours: remote failures are values) reaches everyone who asks.
        """
        entry = self._known(key)
        while entry is not None and not entry.done:
            await entry.ended()
            if not entry.done:  # who worked was cancelled; someone else may have begun anew
                entry = self._known(key)
        if entry is None:
            entry = self._working[key] = _Entry()
            try:
                entry.value = await work()
                entry.done = True
            except Exception as error:  # noqa: BLE001 - handed to the askers, whose records will tell
                entry.error, entry.done = error, True
            finally:
                del self._working[key]
                entry.end()
            self._keep(key, entry)
        if entry.error is not None:
            raise RuntimeError(f"shared work on {key!r} failed") from entry.error
        return entry.value  # type: ignore[return-value] # set before done, unless error was

    def forget(self, when: Callable[[V], bool]) -> list[V]:
        """Forget results that are to be found anew; they are returned."""
        gone = {key: entry.value for key, entry in self._done.items() if entry.value is not None and when(entry.value)}
        for key in gone:
            del self._done[key]
        return list(gone.values())

    def __contains__(self, key: K) -> bool:
        """True if whoever asks for the key now starts no work."""
        return self._known(key) is not None

    def __len__(self) -> int:
        return len(self._working) + len(self._done)

    def _known(self, key: K) -> _Entry[V] | None:
        """Work under way, a result that is remembered, or one from the shelf, which is remembered again."""
        entry = self._done.get(key)
        if entry is not None:
            self._done.move_to_end(key)
            return entry
        entry = self._working.get(key)
        if entry is None and self._shelf is not None:
            value = self._shelf(key)
            if value is not None:
                entry = _Entry(done=True, value=value)
                self._keep(key, entry)
        return entry

    def _keep(self, key: K, entry: _Entry[V]) -> None:
        self._done[key] = entry
        if len(self._done) > self._limit:
            self._done.popitem(last=False)


A = TypeVar("A")


async def gather(items: Sequence[A], work: Callable[[A], Awaitable[V]]) -> list[V]:
    """Do ``work`` for every item at once; results in the order of the items."""
    if not items:
        return []
    if len(items) == 1:  # most domains have one host and most hosts one address: spares a nursery and a task
        return [await work(items[0])]
    results: dict[int, V] = {}

    async def one(index: int, item: A) -> None:
        results[index] = await work(item)

    async with trio.open_nursery() as nursery:
        for index, item in enumerate(items[1:], 1):
            nursery.start_soon(one, index, item)
        await one(0, items[0])  # the first one needs no task of its own
    return [results[index] for index in range(len(items))]


def leaf(error: BaseException) -> BaseException:
    """The first error of a group of groups; an error that is no group is itself."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def origin(error: BaseException) -> BaseException:
    """The error that all others came from, out of groups and of shared work."""
    error = leaf(error)
    while error.__cause__ is not None:
        error = leaf(error.__cause__)
    return error
