"""The worker tasks of one pass of a scan, each of which observes one domain at a time.

A pass has as many worker tasks as the scan may have connections, but at most one for each target of a retry pass. The
observation of a domain with silent servers or very many hosts takes minutes, in which its worker task mostly waits. For
each such slow domain, another worker task is started, so that slow domains do not delay the other domains of the scan.
The limits on connections do not depend on the number of worker tasks.
"""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import trio

from scanner.net.slow_probes import SLOW
from targets.lists import Target

CHECK = 1.0
"""Seconds between two counts of the domains that have been observed for more than ``SLOW`` seconds."""


_Seen = TypeVar("_Seen")


class DomainWorkers(Generic[_Seen]):
    """The worker tasks of one pass.

    Args:
        observe: function that observes the domain of a target.
        send: function that sends an observation to the writer task; its duration is not part of the observation.
        targets: the channel of the targets, which is closed when all worker tasks have ended.
        count: number of worker tasks; each domain observed for over ``SLOW`` seconds adds one, up to twice the number.
        is_stopping: function that returns whether no further target is to be observed.
    """

    def __init__(
        self,
        observe: Callable[[Target], Awaitable[_Seen]],
        send: Callable[[_Seen], Awaitable[None]],
        targets: trio.MemoryReceiveChannel[Target],
        count: int,
        is_stopping: Callable[[], bool],
    ) -> None:
        self._observe = observe
        self._send = send
        self._targets = targets
        self._count = count
        self._is_stopping = is_stopping
        self._began: dict[trio.lowlevel.Task, float] = {}  # start of the observation in progress of each worker task
        self._running = 0
        self._slow = 0
        self._at_end = False  # true if the channel has ended, so that more worker tasks would find no target

    async def run(self) -> None:
        """Observe all targets of the channel; return when all worker tasks have ended."""
        with self._targets:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._watch, nursery)
                self._start(nursery, self._count)

    async def _watch(self, nursery: trio.Nursery) -> None:
        """Count at intervals the domains observed for over ``SLOW`` seconds; start a worker task for each."""
        while True:
            await trio.sleep(CHECK)
            latest = trio.current_time() - SLOW
            self._slow = min(self._count, sum(began < latest for began in self._began.values()))
            if not self._at_end and not self._is_stopping():
                self._start(nursery, self._count + self._slow - self._running)

    def _start(self, nursery: trio.Nursery, count: int) -> None:
        for _ in range(count):
            self._running += 1
            nursery.start_soon(self._work, nursery.cancel_scope)

    async def _work(self, scope: trio.CancelScope) -> None:
        """Observe one target after another until there is no target, or there are more worker tasks than necessary.

        The last worker task ends the task that counts the slow domains.
        """
        task = trio.lowlevel.current_task()
        while self._running <= self._count + self._slow and not self._is_stopping():
            target = await _receive(self._targets)
            if target is None:
                self._at_end = True
                break
            self._began[task] = trio.current_time()
            seen = await self._observe(target)
            del self._began[task]
            await self._send(seen)
        self._running -= 1
        if not self._running:
            scope.cancel()


async def _receive(channel: trio.MemoryReceiveChannel[Target]) -> Target | None:
    """Return the next target of a channel, without a trio checkpoint if a target is queued; None at the end."""
    try:
        try:
            return channel.receive_nowait()
        except trio.WouldBlock:
            return await channel.receive()
    except trio.EndOfChannel:
        return None
