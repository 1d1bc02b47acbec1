"""The pipeline of a scan: a reader task, worker tasks and one writer task in one trio nursery.

    reader task -> channel -> N worker tasks -> channel -> one writer task

Reading the input may block, so the reader task reads in a thread. Only the writer task judges observations and passes
records to the sink (receiver of the records). A worker task observes one domain at a time and waits for hosts that
other worker tasks are examining. A worker task never sends to the channel from which the task receives, so the pipeline
cannot deadlock. Both channels are bounded, so that memory does not depend on the length of the input.
"""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import TypeVar

import trio

from scanner.net.error_groups import first_error
from scanner.run.domain_workers import DomainWorkers
from scanner.run.examine import DomainObservation, Examiner, LoadHost
from scanner.run.passes import RetryPasses, wait
from scanner.run.ports import Ports, Sink
from scanner.run.slices import Slices
from scanner.run.stats import Stats
from targets.lists import Reject, Target
from targets.scope import Scope

T = TypeVar("T")

READ_BATCH = 64
"""Maximum number of input lines per batch of the reading thread; a batch needs one switch between threads."""

BACKLOG = 256
"""Maximum number of items queued for the writer task, about the number of items that arrive during one fsync."""

WRITE_BATCH = 64
"""Maximum number of domains that the writer task receives at once; judging 64 domains takes about ten milliseconds."""

GATHERING_DELAY = 0.02
"""Seconds for which the writer task waits for more domains.

Judging several domains in a row takes less time than judging each domain between two probes.
"""

DRAIN = 30.0
"""Maximum time in seconds for examinations in progress to finish after the first interrupt."""

SYNC_EVERY = 1.0
"""Seconds between two calls of the sink's ``sync``; a power failure loses at most the records of one such interval."""


Output = DomainObservation | Reject | trio.Event
"""An item in the channel to the writer task.

If the item is an event, the writer task sets the event when all earlier items have been written.
"""


class Stop:
    """The two ways to end a scan early: ``drain`` finishes the examinations in progress, ``now`` cancels them."""

    def __init__(self) -> None:
        self.draining = False
        self.why = ""  # the reason of an end that the user did not request, see ``end``
        self.between_passes = False  # true if all targets of a pass are done and another pass may follow
        self.skip_wait = trio.Event()
        self.reading = trio.CancelScope()
        """The cancel scope of the reader."""
        self.working = trio.CancelScope()
        """The cancel scope of all tasks except the writer."""

    def drain(self) -> None:
        """Begin no examination of a domain; cancel the examinations in progress after ``DRAIN`` seconds.

        Between two passes of the scan, skip the next retry pass.
        """
        self.skip_wait.set()
        if self.between_passes:
            return
        self.draining = True
        self.reading.cancel()
        self.working.deadline = trio.current_time() + DRAIN

    def end(self, why: str, *, at_once: bool) -> None:
        """End the scan before the end of its input.

        ``at_once`` cancels the examinations in progress at once, for example during an outage, in which no examination
        can proceed.
        """
        if not self.draining:
            self.why = why
            self.between_passes = False
            self.now() if at_once else self.drain()

    def now(self) -> None:
        """Cancel all examinations; the writer task still writes completed observations."""
        self.skip_wait.set()
        self.draining = True
        self.reading.cancel()
        self.working.cancel()


async def scan(
    items: Iterator[Target | Reject],
    ports: Ports,
    sink: Sink,
    stop: Stop,
    load: LoadHost | None = None,
    *,
    only_pass: int | None = None,
) -> None:
    """Examine every target and pass every record to the sink; return when all records are written.

    Args:
        items: targets and rejected lines, read in a thread.
        ports: interfaces for lookups and probes, settings and counters.
        sink: object that receives the records and rejected lines.
        stop: object by which the caller ends the scan early.
        load: function that returns stored reports of hosts; a host with a stored report is not examined again.
        only_pass: number of the pass to make, 0 for the first pass, n for retry pass n over the stored reports; None
            makes all passes. After a single pass of the scan, ``stats.retrying`` is the number of targets for the next
            retry pass.

    Raises:
        Exception: an error of the sink (a full disk, a closed pipe) or of the input, after all tasks have ended.
    """
    try:
        await _Pipeline(ports, sink, stop, load).run(items, only_pass)
    except ExceptionGroup as group:
        error = first_error(group)
        raise error from error.__cause__  # raise the error without its exception group, and with the original cause


class _Pipeline:
    """The tasks of one scan and the state that the tasks share."""

    def __init__(self, ports: Ports, sink: Sink, stop: Stop, load: LoadHost | None) -> None:
        self._ports = ports
        self._stop = stop
        self._examiner = Examiner(ports, load)
        self._passes = RetryPasses(ports.stats, ports.settings.retries.times)
        self._writer = _Writer(self._examiner, self._passes, sink, ports.stats)
        self._output, self._to_write = trio.open_memory_channel[Output](BACKLOG)

    async def run(self, items: Iterator[Target | Reject], only_pass: int | None) -> None:
        """Run the first pass and the retry passes, or only one of the passes."""
        if only_pass:
            self._examiner.next_pass()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._writer.run, self._to_write)
            async with self._output:
                with self._stop.working:
                    await self._first_pass(items)
                    if only_pass is None:
                        await self._retry_passes()

    async def _first_pass(self, items: Iterator[Target | Reject]) -> None:
        queue, targets = trio.open_memory_channel[Target](READ_BATCH)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._read, items, queue)
            await self._work(targets, self._ports.settings.caps.total)
        await self._all_written()

    async def _retry_passes(self) -> None:
        """Examine inconclusive targets again, up to the number of retry passes, and write their new records."""
        retries, stats = self._ports.settings.retries, self._ports.stats
        for _ in range(retries.times):
            if not self._passes.next or self._stop.draining:
                break
            self._stop.between_passes = True
            wanted = await wait(retries.after, len(self._passes.next), stats, self._stop.skip_wait)
            self._stop.between_passes = False
            if not wanted:
                break
            self._examiner.next_pass()
            await self._retry_pass(self._passes.begin())
        stats.retrying = 0

    async def _retry_pass(self, retried: list[Target]) -> None:
        queue, targets = trio.open_memory_channel[Target](len(retried))
        for target in retried:
            queue.send_nowait(target)
        queue.close()
        await self._work(targets, min(len(retried), self._ports.settings.caps.total))
        await self._all_written()

    async def _all_written(self) -> None:
        """Wait until the writer task has judged all observations and noted the targets of the next retry pass."""
        reached = trio.Event()
        await self._output.send(reached)
        await reached.wait()

    # --- reader -----------------------------------------------------------------------------------------------

    async def _read(self, items: Iterator[Target | Reject], queue: trio.MemorySendChannel[Target]) -> None:
        """Send targets to the worker tasks and rejected lines to the writer task until the input or the scan ends."""
        stats = self._ports.stats
        async with queue:
            with self._stop.reading:
                while batch := await _read_batch(items):
                    for item in batch:
                        checked = within_scope(item, self._ports.scope)
                        if isinstance(checked, Reject):
                            stats.rejects += 1
                            await _send(self._output, checked)
                        else:
                            stats.read += 1
                            await _send(queue, checked)
                stats.total = stats.read

    # --- workers ----------------------------------------------------------------------------------------------

    async def _work(self, targets: trio.MemoryReceiveChannel[Target], count: int) -> None:
        """Observe all targets of a channel with ``count`` worker tasks, and with one more for each slow domain."""
        send = partial(_send, self._output)
        await DomainWorkers(self._examiner.observe, send, targets, count, lambda: self._stop.draining).run()


def within_scope(item: Target | Reject, scope: Scope) -> Target | Reject:
    """Return the item, or a reject for a target that is out of scope, for example because of an exclusion file."""
    if isinstance(item, Reject):
        return item
    refusal = scope.domain(item.destination.host)
    return item if refusal is None else Reject(item.source, item.line, item.raw, f"{refusal.why}: {refusal.text}")


class _Writer:
    """The writer: the only task that judges observations and passes records to the sink (receiver of the records)."""

    def __init__(self, examiner: Examiner, passes: RetryPasses, sink: Sink, stats: Stats) -> None:
        self._examiner = examiner
        self._passes = passes
        self._sink = sink
        self._stats = stats

    async def run(self, channel: trio.MemoryReceiveChannel[Output]) -> None:
        """Write all items that arrive in the channel.

        The writer task ends after all worker tasks, so that every observation is written. If the sink raises an
        exception, ``run`` closes the channel without a trio checkpoint, so that trio's exception group contains the
        exception of the sink before the exceptions of worker tasks that send to the closed channel.
        """
        with channel:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._sync)
                while items := await _receive_batch(channel):
                    slices = Slices()
                    for item in items:
                        await self._write(item, slices)
                nursery.cancel_scope.cancel()

    async def _sync(self) -> None:
        while True:
            await trio.sleep(SYNC_EVERY)
            self._sink.sync()

    async def _write(self, item: Output, slices: Slices) -> None:
        if isinstance(item, trio.Event):
            item.set()
        elif isinstance(item, Reject):
            self._sink.put_reject(item.file, item.line, item.raw, item.reason)
        else:
            await self._write_domain(item, slices)

    async def _write_domain(self, seen: DomainObservation, slices: Slices) -> None:
        """Judge and write a domain; if a record cannot be encoded, the domain gets the record of an internal error."""
        result = await self._examiner.judge(seen, slices)
        earlier = self._passes.earlier_verdict(seen.target)
        try:
            self._sink.put_domain(result.record, result.reports, result.certs or {})
        except ValueError as error:
            result = self._examiner.unjudged(seen, error)
            self._sink.put_domain(result.record, (), {})
        self._passes.note(seen.target, result)
        self._stats.domain(result.record, earlier)
        await slices.turn(result.record.key)


async def _read_batch(items: Iterator[Target | Reject]) -> list[Target | Reject]:
    """Return the next items of the input, read in a thread because a read may block."""
    return await trio.to_thread.run_sync(list, islice(items, READ_BATCH), abandon_on_cancel=True)


async def _send(channel: trio.MemorySendChannel[T], item: T) -> None:
    """Send an item to a channel, without a trio checkpoint if the channel has room."""
    try:
        channel.send_nowait(item)
    except trio.WouldBlock:
        await channel.send(item)


async def _receive_batch(channel: trio.MemoryReceiveChannel[Output]) -> list[Output]:
    """Return the items queued in a channel after ``GATHERING_DELAY``; an empty list at the end of the channel."""
    items: list[Output] = []
    with suppress(trio.EndOfChannel):
        items.append(await channel.receive())
        if channel.statistics().current_buffer_used < WRITE_BATCH:
            await trio.sleep(GATHERING_DELAY)
        with suppress(trio.WouldBlock):
            while len(items) < WRITE_BATCH:
                items.append(channel.receive_nowait())
    return items
