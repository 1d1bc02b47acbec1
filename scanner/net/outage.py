"""Detection of network outages of the scanner, so that no peer is called unreachable because of an outage.

If many different peers fail in a row without a success, the detector tries peers that have worked before. If the tried
peers fail, all work pauses until a peer answers again, and all attempts that failed since the last success are
repeated. The caller defines what a peer is, and provides the function that tries a peer.
"""

import math
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

import trio

K = TypeVar("K", bound=Hashable)

MANY = 8
"""Number of different peers that fail in a row before an outage is suspected."""

MANY_AT_FIRST = 50
"""Number of different failing peers before an outage is suspected if no peer has ever been reached.

``MANY_AT_FIRST`` is higher than ``MANY``, because a list may begin with many domains whose servers do not work.
"""

DOUBT = 1.0
"""Seconds after a failed attempt before the peer is called unreachable.

Failures of other peers within ``DOUBT`` seconds may show that an outage made the attempt fail.
"""

TRIED = 8
"""Maximum number of peers to try in an outage: the last peers that worked or, if no peer has worked, any peers."""

TRY_EVERY = 2.0
"""Seconds between two trials of peers in an outage."""

TRY_AGAIN_EVERY = 30.0
"""Seconds between two trials of the same peers if no peer has ever been reached: long, as these peers may be down."""

TRIAL = 15.0
"""Time limit in seconds of the first trial of peers in an outage.

Later trials in an outage have no time limit, because all other connections are paused and cannot delay a trial.
"""

PATIENCE = 600.0
"""Default of the maximum duration in seconds of a pause of all work if no peer has ever been reached."""

REMEMBERED_OUTAGES = 16
"""Maximum number of past outages that are kept: more than can occur during one probe."""


@dataclass(frozen=True, slots=True)
class AtFirst(Generic[K]):
    """The numbers of failed addresses and networks that show an outage if no peer has ever been reached.

    ``place`` returns the address and the network of a peer.
    """

    place: Callable[[K], tuple[Hashable, Hashable]]
    addresses: int = 20
    networks: int = 5


class Outage(Generic[K]):
    """The outage detector for one class of peers, such as mail servers or DNS servers.

    Args:
        works: function that tries a peer now and returns whether the peer is reachable.
        report: function that gets a message for the user when an outage begins, and an empty text when the outage ends.
        what: the subject of the message, such as "every connection".
        advice: advice for the user at the end of the message.
        at_first: the numbers of failed addresses and networks that are an outage before any peer has been reached; None
            uses ``MANY_AT_FIRST`` failed peers.
        patience: maximum duration in seconds of a pause of all work if no peer has ever been reached.
    """

    def __init__(
        self,
        works: Callable[[K], Awaitable[bool]],
        report: Callable[[str], None],
        what: str,
        *,
        advice: str = "",
        at_first: AtFirst[K] | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._works = works
        self._report = report
        self._what = what
        self._advice = advice
        self._at_first = at_first
        self._patience = patience
        self._reached = False
        self._places: tuple[set[Hashable], set[Hashable]] = (set(), set())  # addresses and networks of ``_bad``
        self._waiting: OrderedDict[K, None] = OrderedDict()  # peers to try in a pause that begins without a good peer
        self._good: OrderedDict[K, None] = OrderedDict()
        self._bad: OrderedDict[K, None] = OrderedDict()  # since the last success
        self._changed = trio.Event()
        self._up = trio.Event()
        self._up.set()
        self._checking = trio.Lock()
        self._gave_up = False  # after ``patience`` without any success
        self._past: deque[float] = deque(maxlen=REMEMBERED_OUTAGES)  # the ends of past outages

    @property
    def active(self) -> bool:
        """True if an outage is active (all work is paused)."""
        return not self._up.is_set()

    async def wait_until_over(self, peer: K | None = None) -> None:
        """Wait for the end of an outage; return without a trio checkpoint if no outage is active.

        Args:
            peer: the peer to which the caller connects after the outage; the detector may try the peer during the
                outage.
        """
        if self.active:
            if peer is not None and not self._good:
                self._waiting[peer] = None
            await self._up.wait()

    def reached(self) -> None:
        """Record that a peer accepted a connection that failed later, which shows that the network is not blocked."""
        self._reached = True

    def worked(self, peer: K) -> None:
        """Record that a peer answered just now."""
        self._good[peer] = None
        self._good.move_to_end(peer)
        if len(self._good) > TRIED:
            self._good.popitem(last=False)
        if self._bad:
            self._forget()
            self._wake()

    async def confirmed(self, peer: K, began: float) -> bool:
        """Return whether a failed attempt is a failure of the peer, and not of the scanner's network.

        Args:
            peer: the peer that failed.
            began: the start of the attempt in seconds of trio's clock.

        Returns:
            False if an outage overlaps the attempt, so that the caller has to repeat the attempt. When the method
            returns, no outage is active.
        """
        if self.overlaps(began):
            return False
        self._note(peer)
        if not self._suspicious():
            with trio.move_on_after(DOUBT):
                await self._changed.wait()
        if self._suspicious():
            self._wake()
            await self._check()
        await self._up.wait()
        return not self.overlaps(began)

    def overlaps(self, began: float) -> bool:
        """Return whether an outage is active or ended after the time ``began``."""
        return self.active or any(ended >= began for ended in self._past)

    def _suspicious(self) -> bool:
        if self._good:
            return len(self._bad) >= MANY
        if self._gave_up:
            return False
        if self._at_first is None or self._reached:
            return len(self._bad) >= MANY_AT_FIRST
        addresses, networks = map(len, self._places)
        return addresses >= self._at_first.addresses and networks >= self._at_first.networks

    def _note(self, peer: K) -> None:
        self._bad[peer] = None
        if self._at_first is not None:
            for seen, part in zip(self._places, self._at_first.place(peer), strict=True):
                seen.add(part)

    def _forget(self) -> None:
        self._bad.clear()
        for seen in self._places:
            seen.clear()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    async def _check(self) -> None:
        """Try peers and pause all work if no peer works.

        One task does the trials, and other tasks wait for the result of the trials.
        """
        async with self._checking:
            if not self._suspicious():
                return
            works = False
            with trio.move_on_after(TRIAL):
                works = await self._any_works()
            if works or not self._suspicious():  # another peer may have answered during the trial
                self._forget()
                return
            await self._pause()

    async def _pause(self) -> None:
        known = bool(self._good)
        self._up = trio.Event()
        self._report(f"{self._what} fails everywhere: paused until it works again{self._advice}")
        with trio.move_on_after(math.inf if known else self._patience) as patience:
            while not await self._any_works():  # noqa: ASYNC110 - no event reports that a network works again
                await trio.sleep(TRY_EVERY if known or self._waiting else TRY_AGAIN_EVERY)
        if patience.cancelled_caught:
            self._gave_up = True
        else:
            self._past.append(trio.current_time())
        self._forget()
        self._waiting.clear()
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
            for peer in list(self._good) or self._next_waiting() or list(self._bad)[-TRIED:]:
                nursery.start_soon(attempt, peer)
        return found

    def _next_waiting(self) -> list[K]:
        """Return peers to try next: peers of callers that wait for the end of the outage, each at most once."""
        return [self._waiting.popitem(last=False)[0] for _ in range(min(TRIED, len(self._waiting)))]
