"""Reader, workers, writer: a list in, records out, in one trio nursery.

    reader -> channel -> N domain tasks -> channel -> one writer

The reader is the only one that blocks (in a thread), the writer the only one that judges and touches the sink. A
domain task waits for its hosts, which others may be examining; nothing that works ever waits for a place in the queue
that it feeds, so nothing can lock up. Both channels are bounded: memory does not follow the length of the input.
"""

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import TypeVar

import trio

from scanner.net.error_groups import first_error
from scanner.run.examine import DomainObservation, Examiner, Shelf
from scanner.run.passes import RetryPasses, wait
from scanner.run.ports import Ports, Sink
from targets.lists import Reject, Target

T = TypeVar("T")

BATCH = 64
"""Lines handed over from the reading thread at a time; fewer would pay a thread switch for each."""

BACKLOG = 256
"""What waits for the writer: enough to ride out one fsync."""

IN_A_ROW = 64
"""Domains judged and written before others have their turn: some ten milliseconds' work."""

GATHERED = 0.02
"""Seconds in which the writer lets something to do gather, since much in a row is done in less time."""

DRAIN = 30.0
"""Seconds that work in flight is given after the first interrupt."""

SYNC_EVERY = 1.0
"""Seconds between two calls that make records durable: what a power cut may cost."""


Found = DomainObservation | Reject | trio.Event
"""What goes to the writer; it sets an event when it comes to it."""


class Stop:
    """The two ways of ending early: let what is in flight finish, or not even that."""

    def __init__(self) -> None:
        self.draining = False
        self.between = False  # two passes, that is: all there is has been examined at least once
        self.enough = trio.Event()
        self._reading = trio.CancelScope()
        self._working = trio.CancelScope()

    def drain(self) -> None:
        """Take nothing new; give what is in flight ``DRAIN`` seconds. In the wait for a pass, do without it."""
        self.enough.set()
        if self.between:
            return
        self.draining = True
        self._reading.cancel()
        self._working.deadline = trio.current_time() + DRAIN

    def now(self) -> None:
        """End at once; what has been judged is still written."""
        self.enough.set()
        self.draining = True
        self._reading.cancel()
        self._working.cancel()

    @property
    def reading(self) -> trio.CancelScope:
        """The scope of the reader."""
        return self._reading

    @property
    def working(self) -> trio.CancelScope:
        """The scope of everything but the writer."""
        return self._working


async def scan(
    items: Iterator[Target | Reject], tools: Ports, sink: Sink, stop: Stop, shelf: Shelf | None = None
) -> None:
    """Examine every target and hand every record to the sink; ends when all is written.

    Hosts that are on the shelf are not examined again.

    Raises:
        Exception: whatever the sink raises (a full disk, a closed pipe), after the work has been stopped.
    """
    found, seen = trio.open_memory_channel[Found](BACKLOG)
    examiner = Examiner(tools, shelf)
    later = RetryPasses(tools.stats, tools.settings.retries.times)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_write, seen, examiner, later, sink, tools)
            async with found:
                with stop.working:
                    await _work(items, tools, examiner, later, found, stop)
    except ExceptionGroup as group:
        error = first_error(group)
        raise error from error.__cause__  # not from the group, and without losing what the error came from


async def _work(
    items: Iterator[Target | Reject],
    tools: Ports,
    examiner: Examiner,
    later: RetryPasses,
    found: trio.MemorySendChannel[Found],
    stop: Stop,
) -> None:
    queue, targets = trio.open_memory_channel[Target](BATCH)
    async with trio.open_nursery() as workers:
        workers.start_soon(_read, items, tools, queue, found, stop)
        for _ in range(tools.settings.caps.total):
            workers.start_soon(_examine, examiner, targets.clone(), found, stop)
        targets.close()
    await _all_judged(found)
    await _later_passes(examiner, later, tools, found, stop)


async def _later_passes(
    examiner: Examiner,
    later: RetryPasses,
    tools: Ports,
    found: trio.MemorySendChannel[Found],
    stop: Stop,
) -> None:
    """Examine again what could not be told, as often as is asked for; the records are written again."""
    retries, stats = tools.settings.retries, tools.stats
    for _ in range(retries.times):
        if not later.next or stop.draining:
            break
        stop.between = True
        wanted = await wait(retries.after, len(later.next), stats, stop.enough)
        stop.between = False
        if not wanted:
            break
        examiner.next_pass()
        await _pass(examiner, later, tools, found, stop)
    stats.retrying = 0


async def _pass(
    examiner: Examiner,
    later: RetryPasses,
    tools: Ports,
    found: trio.MemorySendChannel[Found],
    stop: Stop,
) -> None:
    again = later.turn()
    queue, targets = trio.open_memory_channel[Target](len(again))
    for target in again:
        queue.send_nowait(target)
    queue.close()
    async with trio.open_nursery() as workers:
        for _ in range(min(len(again), tools.settings.caps.total)):
            workers.start_soon(_examine, examiner, targets.clone(), found, stop)
        targets.close()
    await _all_judged(found)


async def _all_judged(found: trio.MemorySendChannel[Found]) -> None:
    """Wait until the writer has come so far: only then is it known what another pass is for."""
    here = trio.Event()
    await found.send(here)
    await here.wait()


async def _read(
    items: Iterator[Target | Reject],
    tools: Ports,
    queue: trio.MemorySendChannel[Target],
    found: trio.MemorySendChannel[Found],
    stop: Stop,
) -> None:
    """Hand targets to the workers and rejects to the writer until the input ends or the scan is stopped."""
    stats = tools.stats
    async with queue:
        with stop.reading:
            while batch := await _batch(items):
                for item in batch:
                    checked = _checked(item, tools)
                    if isinstance(checked, Reject):
                        stats.rejects += 1
                        await _hand(found, checked)
                    else:
                        stats.read += 1
                        await _hand(queue, checked)
            stats.total = stats.read


async def _hand(channel: trio.MemorySendChannel[T], item: T) -> None:
    """Send; where there is room, without the turn of the scheduler that ``send`` takes always."""
    try:
        channel.send_nowait(item)
    except trio.WouldBlock:
        await channel.send(item)


async def _take(channel: trio.MemoryReceiveChannel[T]) -> T | None:
    """The next item, None after the last; one that is there is taken without that turn, too."""
    try:
        try:
            return channel.receive_nowait()
        except trio.WouldBlock:
            return await channel.receive()
    except trio.EndOfChannel:
        return None


async def _batch(items: Iterator[Target | Reject]) -> list[Target | Reject]:
    """The next items, read in a thread: a file blocks, a pipe may do so for ever."""
    return await trio.to_thread.run_sync(list, islice(items, BATCH), abandon_on_cancel=True)


def _checked(item: Target | Reject, tools: Ports) -> Target | Reject:
    """The item; a target whose owner asked us to leave it alone becomes a reject."""
    if isinstance(item, Reject):
        return item
    refusal = tools.scope.domain(item.destination.host)
    return item if refusal is None else Reject(item.source, item.line, item.raw, f"{refusal.why}: {refusal.text}")


async def _examine(
    examiner: Examiner,
    targets: trio.MemoryReceiveChannel[Target],
    found: trio.MemorySendChannel[Found],
    stop: Stop,
) -> None:
    async with targets:
        while not stop.draining and (target := await _take(targets)):
            await _hand(found, await examiner.see(target))


async def _write(
    seen: trio.MemoryReceiveChannel[Found], examiner: Examiner, later: RetryPasses, sink: Sink, tools: Ports
) -> None:
    """The one writer. It outlives the work, so that everything seen is judged and written.

    It closes its end without a pause: when the sink fails, that error is the first to be raised, before those of the
    tasks that find the channel closed.
    """
    with seen:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_sync, sink)
            while items := await _gathered(seen):
                for item in items:
                    _put(item, examiner, later, sink, tools)
            nursery.cancel_scope.cancel()


async def _gathered(seen: trio.MemoryReceiveChannel[Found]) -> list[Found]:
    """What there is, a little later than the first of it; nothing at the end."""
    items: list[Found] = []
    with suppress(trio.EndOfChannel):
        items.append(await seen.receive())
        if seen.statistics().current_buffer_used < IN_A_ROW:
            await trio.sleep(GATHERED)
        with suppress(trio.WouldBlock):
            while len(items) < IN_A_ROW:
                items.append(seen.receive_nowait())
    return items


def _put(item: Found, examiner: Examiner, later: RetryPasses, sink: Sink, tools: Ports) -> None:
    if isinstance(item, trio.Event):
        item.set()
    elif isinstance(item, Reject):
        sink.put_reject(item.file, item.line, item.raw, item.reason)
    else:
        finding = examiner.judge(item)
        before = later.before(item.target)
        later.note(item.target, finding)
        sink.put_domain(finding.record, finding.reports, finding.certs or {})
        tools.stats.domain(finding.record, before)


async def _sync(sink: Sink) -> None:
    while True:
        await trio.sleep(SYNC_EVERY)
        sink.sync()
