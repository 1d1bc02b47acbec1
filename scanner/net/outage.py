"""Detection of outages on our side, so that no peer is called unreachable because our network failed.

If many different peers fail in a row and none succeeds, peers that worked before are tried. If these fail too, all work
pauses until a peer answers again, and everything that failed since the last success is repeated. The caller defines a
peer and how it is tried.
"""

import math
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import trio

K = TypeVar("K", bound=Hashable)

MANY = 8
"""Different peers that fail in a row before an outage is suspected."""

MANY_AT_FIRST = 50
"""The same number if no peer has ever worked: there is none to try, and a list may begin with dead domains."""

DOUBT = 1.0
"""Seconds that a failure waits for other failures, or for a success, before it is confirmed."""

TRIED = 8
"""Peers tried at most: those that worked last, or failed last if none ever worked."""

TRY_EVERY = 2.0
"""Seconds between two trials in an outage."""

TRIAL = 15.0
"""Time limit of the first trial in seconds. Trials during an outage have none: no other connections delay them."""

PATIENCE = 600.0
"""Seconds after which a pause ends without a success if no peer has ever worked."""

REMEMBERED_OUTAGES = 16
"""Past outages remembered: more than can fall into the duration of one probe."""


class Outage(Generic[K]):
    """The outage detector for peers of one kind.

    Args:
        works: tries a peer now and returns whether it can be reached.
        report: receives a message for the user when an outage begins, and an empty text when it ends.
        what: the subject of the message, such as "every connection".
    """

    def __init__(self, works: Callable[[K], Awaitable[bool]], report: Callable[[str], None], what: str) -> None:
        self._works = works
        self._report = report
        self._what = what
        self._good: OrderedDict[K, None] = OrderedDict()
        self._bad: OrderedDict[K, None] = OrderedDict()  # since the last success
        self._changed = trio.Event()
        self._up = trio.Event()
        self._up.set()
        self._checking = trio.Lock()
        self._gave_up = False  # after PATIENCE without any success
        self._past: deque[float] = deque(maxlen=REMEMBERED_OUTAGES)  # the ends of past outages

    @property
    def active(self) -> bool:
        """True during an outage."""
        return not self._up.is_set()

    async def wait_until_over(self) -> None:
        """Wait for the end of an outage; return without a checkpoint if there is none."""
        if self.active:
            await self._up.wait()

    def worked(self, peer: K) -> None:
        """Record that a peer answered just now."""
        self._good[peer] = None
        self._good.move_to_end(peer)
        if len(self._good) > TRIED:
            self._good.popitem(last=False)
        if self._bad:
            self._bad.clear()
            self._wake()

    async def confirmed(self, peer: K, began: float) -> bool:
        """Return whether a failure is a failure of the peer.

        Args:
            peer: the peer that failed.
            began: the time at which the attempt began.

        Returns:
            False if an outage overlaps the attempt, which is then to be repeated; no outage is active on return.
        """
        if self.overlaps(began):
            return False
        self._bad[peer] = None
        if not self._suspicious():
            with trio.move_on_after(DOUBT):
                await self._changed.wait()
        if self._suspicious():
            self._wake()
            await self._check()
        await self._up.wait()
        return not self.overlaps(began)

    def overlaps(self, began: float) -> bool:
        """Return whether an outage is active or ended after this time."""
        return self.active or any(ended >= began for ended in self._past)

    def _suspicious(self) -> bool:
        if not self._good:
            return len(self._bad) >= MANY_AT_FIRST and not self._gave_up
        return len(self._bad) >= MANY

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    async def _check(self) -> None:
        """Try peers and pause if none works; one task does this, the others wait for its result."""
        async with self._checking:
            if not self._suspicious():
                return
            works = False
            with trio.move_on_after(TRIAL):
                works = await self._any_works()
            if works or not self._suspicious():  # another peer may have answered during the trial
                self._bad.clear()
                return
            await self._pause()

    async def _pause(self) -> None:
        known = bool(self._good)
        self._up = trio.Event()
        self._report(f"{self._what} fails everywhere: paused until it works again")
        with trio.move_on_after(math.inf if known else PATIENCE) as patience:
            while not await self._any_works():  # noqa: ASYNC110 - no event says that a network works again
                await trio.sleep(TRY_EVERY)
        if patience.cancelled_caught:
            self._gave_up = True
        else:
            self._past.append(trio.current_time())
        self._bad.clear()
        self._report("")
        self._up.set()

    async def _any_works(self) -> bool:
        found = False

        async def attempt(peer: K) -> None:
            nonlocal found
            if await self._works(peer):
                found = True
                nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            for peer in list(self._good) or list(self._bad)[-TRIED:]:
                nursery.start_soon(attempt, peer)
        return found
