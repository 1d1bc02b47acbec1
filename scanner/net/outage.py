"""Is it they, or is it us? Tells a network that is gone from hosts that are.

When many different peers fail one after the other and nobody succeeds, one that worked before is tried. If that fails
too, all work pauses until one of them answers again; what failed since the last success is then done once more. So no
peer is called unreachable for what happened on our side. What a peer is, and how it is tried, is the caller's affair.
"""

import math
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import trio

K = TypeVar("K", bound=Hashable)

MANY = 8
"""Different peers that fail in a row before we doubt ourselves."""

MANY_AT_FIRST = 50
"""The same where nothing has ever worked: there is nobody to ask, and lists may begin with the dead."""

DOUBT = 1.0
"""Seconds that a failure waits for others like it, or for a success, before it is believed."""

TRUSTED = 8
"""Peers that worked last, or failed last where none ever worked, which are tried."""

TRY_EVERY = 2.0
"""Seconds between two trials in an outage."""

TRIAL = 15.0
"""Seconds after which the first trial is given up, wherever it waits; in an outage, where all is quiet, none is."""

PATIENCE = 600.0
"""Seconds until we go on all the same, if nothing has ever worked."""

WINDOWS = 16
"""Outages that are remembered: more than one probe can last through."""


class Outage(Generic[K]):
    """Watches over peers of one kind.

    Args:
        works: tries a peer now; true if it can be reached.
        tell: takes what the user should hear, in words; empty when all is well again.
        what: what fails, in words.
    """

    def __init__(self, works: Callable[[K], Awaitable[bool]], tell: Callable[[str], None], what: str) -> None:
        self._works = works
        self._tell = tell
        self._what = what
        self._good: OrderedDict[K, None] = OrderedDict()
        self._bad: OrderedDict[K, None] = OrderedDict()  # since the last success
        self._news = trio.Event()
        self._up = trio.Event()
        self._up.set()
        self._checking = trio.Lock()
        self._resigned = False  # nothing ever worked, and we have waited long enough
        self._last_success = trio.current_time()
        self._windows: deque[tuple[float, float]] = deque(maxlen=WINDOWS)

    @property
    def lasts(self) -> bool:
        """Is there an outage now?"""
        return not self._up.is_set()

    async def over(self) -> None:
        """Return when there is no outage, at once if so: no checkpoint, as what comes next is one."""
        if self.lasts:
            await self._up.wait()

    def worked(self, peer: K) -> None:
        """Note that a peer was heard just now."""
        self._last_success = trio.current_time()
        self._good[peer] = None
        self._good.move_to_end(peer)
        if len(self._good) > TRUSTED:
            self._good.popitem(last=False)
        if self._bad:
            self._bad.clear()
            self._wake()

    async def believed(self, peer: K, began: float) -> bool:
        """Find out whether a failure is the peer's.

        Args:
            peer: who failed.
            began: when the attempt began.

        Returns:
            False if it fell into an outage, be it over or not: the attempt is to be made again once it is.
        """
        if self.hit(began):
            return False
        self._bad[peer] = None
        if not self._suspicious():
            with trio.move_on_after(DOUBT):
                await self._news.wait()
        if self._suspicious():
            self._wake()
            await self._check()
        await self._up.wait()
        return not self.hit(began)

    def hit(self, began: float) -> bool:
        """Is there an outage, or did one end after this time?"""
        return self.lasts or any(ended >= began for _, ended in self._windows)

    def _suspicious(self) -> bool:
        if not self._good:
            return len(self._bad) >= MANY_AT_FIRST and not self._resigned
        return len(self._bad) >= MANY

    def _wake(self) -> None:
        self._news.set()
        self._news = trio.Event()

    async def _check(self) -> None:
        """Whoever comes first tries; the others wait for what he finds."""
        async with self._checking:
            if not self._suspicious():
                return
            works = False
            with trio.move_on_after(TRIAL):
                works = await self._any_works()
            if works or not self._suspicious():  # any more: somebody else was heard
                self._bad.clear()
                return
            await self._pause()

    async def _pause(self) -> None:
        began, known = self._last_success, bool(self._good)
        self._up = trio.Event()
        self._tell(f"{self._what} fails everywhere: paused until it works again")
        with trio.move_on_after(math.inf if known else PATIENCE) as patience:
            while not await self._any_works():  # noqa: ASYNC110 - nobody tells us when a network comes back
                await trio.sleep(TRY_EVERY)
        if patience.cancelled_caught:
            self._resigned = True
        else:
            self._windows.append((began, trio.current_time()))
        self._bad.clear()
        self._tell("")
        self._up.set()

    async def _any_works(self) -> bool:
        found = False

        async def attempt(peer: K) -> None:
            nonlocal found
            if await self._works(peer):
                found = True
                nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            for peer in list(self._good) or list(self._bad)[-TRUSTED:]:
                nursery.start_soon(attempt, peer)
        return found
