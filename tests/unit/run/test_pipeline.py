"""Reader, workers and writer, with slow servers on trio's autojump clock."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from scanner.core import judgement, pkix
from scanner.facts import Answer, CertFacts
from scanner.model import DomainRecord, HostReport
from scanner.reasons import Reason
from scanner.run import pipeline
from scanner.run.ports import Ports
from scanner.settings import Caps, Retries, Settings
from scanner.vocabulary import Level
from targets.lists import Reject, Target
from targets.scope import Exclusions, Scope
from tests.unit import fakes
from tests.unit.fakes import MX1, OK_RECORD, V4, World, host, missing, mx, shakes, target

READ_IN_A_THREAD = pipeline._read_batch

SECONDS = 4  # no domain is slow (``slow_probes.SLOW``)
"""Duration of each probe in seconds."""


class ListSink:
    """A sink that keeps records, or raises an error."""

    def __init__(self, error: Exception | None = None, *, fails_at: int = 0, in_sync: bool = False) -> None:
        self.domains: list[DomainRecord] = []
        self.rejects: list[str] = []
        self.synced: list[float] = []
        self._error = error
        self._fails_at = fails_at
        self._in_sync = in_sync

    def put_domain(
        self,
        record: DomainRecord,
        reports: Sequence[HostReport],  # noqa: ARG002 - as the protocol has it
        certs: Mapping[str, CertFacts],  # noqa: ARG002 - the same
    ) -> None:
        if self._error is not None and not self._in_sync and len(self.domains) == self._fails_at:
            raise self._error
        self.domains.append(record)

    def put_reject(self, file: str, line: int, raw: str, reason: str) -> None:
        self.rejects.append(f"{file}:{line} {raw} {reason}")

    def sync(self) -> None:
        if self._error is not None and self._in_sync:
            raise self._error
        self.synced.append(trio.current_time())

    @property
    def keys(self) -> list[str]:
        return sorted(record.key for record in self.domains)


def names(count: int) -> list[str]:
    return [f"d{number}.test" for number in range(count)]


def of_their_own(domains: Sequence[str]) -> World:
    """Return a world in which each domain has a host and an address of its own."""
    dns: dict[fakes.Question, Answer] = {}
    places = {name: f"192.0.{number // 256}.{number % 256}" for number, name in enumerate(domains)}
    for name, place in places.items():
        dns |= mx(f"10 mx.{name}", domain=name) | host(f"mx.{name}", place)
    return World(dns, dict.fromkeys(places.values(), shakes()), seconds=SECONDS)


def listed(domains: Sequence[str], *rejects: Reject) -> Iterator[Target | Reject]:
    yield from rejects
    for line, name in enumerate(domains, 1):
        yield target(name, line)


def settings(workers: int) -> Settings:
    return replace(Settings(), caps=Caps(total=workers), retries=Retries(times=0))


class BackgroundScan:
    """A scan to run in a nursery, and its end."""

    def __init__(self, world: World, workers: int, sink: ListSink | None = None) -> None:
        self.world = world
        self.sink = sink or ListSink()
        self.stop = pipeline.Stop()
        self.ports: Ports = world.ports(settings(workers))
        self.ended = 0.0

    async def __call__(self, items: Iterator[Target | Reject]) -> None:
        await pipeline.scan(items, self.ports, self.sink, self.stop)
        self.ended = trio.current_time()
        self.world.check()


@pytest.fixture(autouse=True)
def inline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read without a thread: the autojump clock does not wait for threads."""

    async def batch(items: Iterator[Target | Reject]) -> list[Target | Reject]:
        await trio.lowlevel.checkpoint()
        return list(islice(items, pipeline.READ_BATCH))

    monkeypatch.setattr(pipeline, "_read_batch", batch)


async def test_everything_is_examined_and_written(autojump_clock: MockClock) -> None:
    domains = names(200)
    run = BackgroundScan(of_their_own(domains), workers=20)
    started = trio.current_time()
    await run(listed(domains))
    assert run.sink.keys == sorted(domains)
    assert run.ended - started == pytest.approx(SECONDS * 200 / 20 + pipeline.GATHERING_DELAY)  # 20 at once
    stats = run.ports.stats
    assert (stats.total, stats.read, stats.done, stats.rejects) == (200, 200, 200, 0)
    assert stats.tallies == {"dane none": 200, "outcome ok": 200}


async def test_an_empty_list(autojump_clock: MockClock) -> None:
    run = BackgroundScan(World({}), workers=3)
    await run(iter([]))
    assert (run.sink.domains, run.sink.rejects, run.ports.stats.total) == ([], [], 0)


async def test_rejects_and_opt_outs_go_to_the_writer(autojump_clock: MockClock) -> None:
    world = of_their_own(["d0.test"])
    world.scope = Scope(allow_private=True, exclusions=Exclusions(trees={"no.test": "opt-out line 3"}))
    run = BackgroundScan(world, workers=2)
    await run(listed(["d0.test", "mail.no.test"], Reject("list.txt", 9, "???", "no domain")))
    assert run.sink.keys == ["d0.test"]
    assert run.sink.rejects == [
        "list.txt:9 ??? no domain",
        "list.txt:2 mail.no.test opted-out: opt-out line 3",
    ]
    assert (run.ports.stats.read, run.ports.stats.rejects) == (1, 2)


async def test_domains_share_a_host_and_its_addresses(autojump_clock: MockClock) -> None:
    domains = names(10)
    dns: dict[fakes.Question, Answer] = dict(host(MX1, V4, fakes.V4B, fakes.V6, records=[OK_RECORD]))
    for name in domains:
        dns |= mx(f"10 {MX1}", domain=name)
    world = World(dns, dict.fromkeys((V4, fakes.V4B, fakes.V6), shakes()), seconds=SECONDS)
    run = BackgroundScan(world, workers=4)
    await run(listed(domains))
    assert sorted(call.address for call in world.net.calls) == [V4, fakes.V4B, fakes.V6]
    assert max(world.zone.asked.values()) == 1
    assert {record.verdict.dane for record in run.sink.domains} == {"protected"}


async def test_a_bug_in_one_domain_becomes_a_record_and_the_rest_goes_on(autojump_clock: MockClock) -> None:
    domains = names(5)
    world = of_their_own(domains)
    del world.dns["mx.d2.test", "A"]  # type: ignore[attr-defined] # the fake raises, which counts as a bug
    run = BackgroundScan(world, workers=2)
    with pytest.raises(AssertionError):
        await run(listed(domains))  # world.check: a lookup that is not in the table
    assert run.sink.keys == domains
    by_key = {record.key: record.verdict for record in run.sink.domains}
    broken = by_key.pop("d2.test")
    assert (broken.outcome, broken.sender, broken.reasons) == ("inconclusive", "unknown", (Reason.INTERNAL,))
    assert broken.text.startswith(
        "MX host mx.d2.test: LookupError: the test's table has no answer to ('mx.d2.test', 'A') (fakes.py:"
    )
    assert {verdict.outcome for verdict in by_key.values()} == {"ok"}
    assert run.ports.stats.internal_errors == 1


async def test_a_bug_in_judgement_is_recorded_like_one_in_observation(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    original = judgement.view_of

    def broken(level: Level, nexthop: str, *rest: Any) -> Any:
        if nexthop == "d2.test":
            raise ZeroDivisionError("of all things")
        return original(level, nexthop, *rest)

    monkeypatch.setattr(judgement, "view_of", broken)
    run = BackgroundScan(of_their_own(names(5)), workers=2)
    await run(listed(names(5)))
    assert run.sink.keys == names(5)
    recorded = {record.key: (record.verdict.outcome, record.verdict.text) for record in run.sink.domains}
    outcome, text = recorded.pop("d2.test")
    assert (outcome, text.partition(" (")[0]) == (
        "inconclusive",
        "MX host mx.d2.test: ZeroDivisionError: of all things",
    )
    assert {outcome for outcome, _ in recorded.values()} == {"ok"}
    assert run.ports.stats.internal_errors == 1


class ParticularSink(ListSink):
    """A sink that cannot encode the record of one domain."""

    def put_domain(self, record: DomainRecord, reports: Sequence[HostReport], certs: Mapping[str, CertFacts]) -> None:
        if record.key == "d2.test" and reports:
            raise ValueError("HostReport mx.d2.test: Integer exceeds 64-bit range")
        super().put_domain(record, reports, certs)


async def test_a_record_that_cannot_be_encoded_is_recorded_as_internal_and_the_rest_goes_on(
    autojump_clock: MockClock,
) -> None:
    run = BackgroundScan(of_their_own(names(5)), workers=2, sink=ParticularSink())
    await run(listed(names(5)))
    assert run.sink.keys == names(5)
    recorded = {record.key: (record.verdict.outcome, record.verdict.text) for record in run.sink.domains}
    outcome, text = recorded.pop("d2.test")
    assert outcome == "inconclusive"
    assert text.startswith("ValueError: HostReport mx.d2.test: Integer exceeds 64-bit range (test_pipeline.py:")
    assert {outcome for outcome, _ in recorded.values()} == {"ok"}
    stats = run.ports.stats
    assert (stats.internal_errors, stats.done) == (1, 5)
    assert stats.tallies == {"dane none": 4, "dane unknown": 1, "outcome ok": 4, "outcome inconclusive": 1}


async def test_many_domains_are_judged_in_a_row_and_a_shared_host_once(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    gathered: list[int] = []
    original, proved = pipeline._receive_batch, pkix.verify
    verified: list[None] = []

    async def counted(seen: trio.MemoryReceiveChannel[Any]) -> Any:
        items = await original(seen)
        gathered.append(len(items))
        return items

    def verify(*args: Any) -> Any:
        verified.append(None)
        return proved(*args)

    monkeypatch.setattr(pipeline, "_receive_batch", counted)
    monkeypatch.setattr(pkix, "verify", verify)
    domains, dns = names(20), host(MX1, V4, records=[OK_RECORD])
    for name in domains:
        dns |= mx(f"10 {MX1}", domain=name)
    run = BackgroundScan(World(dns, {V4: shakes()}, seconds=SECONDS), workers=20)
    await run(listed(domains))
    assert gathered == [21, 0]  # all of them and the event at the end of the pass; then the end of the channel
    assert len(verified) == 1
    assert run.sink.keys == sorted(domains)


async def test_a_full_batch_is_written_without_delay(autojump_clock: MockClock) -> None:
    domains = names(40 * pipeline.WRITE_BATCH)
    dns = host(MX1, V4)
    for name in domains:
        dns |= mx(f"10 {MX1}", domain=name)
    run = BackgroundScan(World(dns, {V4: shakes()}), workers=512)
    started = trio.current_time()
    await run(listed(domains))
    assert len(run.sink.domains) == len(domains)
    assert run.ended - started < 20 * pipeline.GATHERING_DELAY


async def test_records_are_made_durable_while_there_are_no_new_ones(autojump_clock: MockClock) -> None:
    run = BackgroundScan(of_their_own(["d0.test"]), workers=1)
    started = trio.current_time()
    await run(listed(["d0.test"]))
    assert [round(at - started) for at in run.sink.synced][: SECONDS - 1] == list(range(1, SECONDS))


# --- stopping -------------------------------------------------------------------------------------------------


async def test_drain_finishes_the_work_in_flight_and_starts_nothing_new(autojump_clock: MockClock) -> None:
    domains = names(100)
    run = BackgroundScan(of_their_own(domains), workers=4)
    started = trio.current_time()
    async with trio.open_nursery() as scan:
        scan.start_soon(run, listed(domains))
        await trio.sleep(SECONDS * 1.5)
        run.stop.drain()
    assert run.sink.keys == sorted(names(8))  # four were done, four in flight
    assert run.ended - started == pytest.approx(SECONDS * 2 + pipeline.GATHERING_DELAY)
    assert run.ports.stats.total is None or run.ports.stats.total == 100


async def test_drain_has_a_time_limit(autojump_clock: MockClock) -> None:
    world = of_their_own(["d0.test", "d1.test"])
    world.net._seconds = 10_000
    run = BackgroundScan(world, workers=1)
    started = trio.current_time()
    async with trio.open_nursery() as scan:
        scan.start_soon(run, listed(["d0.test", "d1.test"]))
        await trio.sleep(5)
        run.stop.drain()
    assert run.ended - started == 5 + pipeline.DRAIN
    assert run.sink.domains == []


async def test_now_cancels_the_work_and_observed_domains_are_written(autojump_clock: MockClock) -> None:
    domains = names(100)
    run = BackgroundScan(of_their_own(domains), workers=4)
    started = trio.current_time()
    async with trio.open_nursery() as scan:
        scan.start_soon(run, listed(domains))
        await trio.sleep(SECONDS * 1.5)
        run.stop.drain()
        await trio.sleep(1)
        run.stop.now()
    assert run.sink.keys == sorted(names(4))
    assert run.ended - started == SECONDS * 1.5 + 1


async def test_a_stop_before_the_start(autojump_clock: MockClock) -> None:
    run = BackgroundScan(of_their_own(names(3)), workers=2)
    run.stop.drain()
    await run(listed(names(3)))
    assert run.sink.domains == []


async def test_a_list_that_blocks_for_ever_can_be_stopped(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    monkeypatch.setattr(pipeline, "_read_batch", READ_IN_A_THREAD)
    run = BackgroundScan(World({}), workers=2)
    written = threading.Event()  # the list comes from a pipe without a writer

    def silent() -> Iterator[Target | Reject]:
        written.wait()
        yield from ()

    async with trio.open_nursery() as scan:
        scan.start_soon(run, silent())
        await trio.testing.wait_all_tasks_blocked()
        run.stop.drain()
    written.set()
    assert run.ports.stats.total is None


async def test_a_list_is_read_in_a_thread(monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock) -> None:
    monkeypatch.setattr(pipeline, "_read_batch", READ_IN_A_THREAD)
    readers: set[int] = set()

    def noted() -> Iterator[Target | Reject]:
        for item in listed(domains):
            readers.add(threading.get_ident())
            yield item

    domains = names(pipeline.READ_BATCH * 2 + 1)
    run = BackgroundScan(of_their_own(domains), 50)
    await run(noted())
    assert run.sink.keys == sorted(domains)
    assert threading.get_ident() not in readers


# --- trouble --------------------------------------------------------------------------------------------------


class DiskFullError(Exception):
    """An error of a sink."""


@pytest.mark.parametrize("workers", [1, 4, 100])
@pytest.mark.parametrize("fails_at", [0, 5])
async def test_an_error_of_the_sink_stops_the_scan_and_is_raised_unchanged(
    workers: int, fails_at: int, autojump_clock: MockClock
) -> None:
    error, cause = DiskFullError("no space"), OSError(28, "No space left on device")
    error.__cause__ = cause
    domains = names(300)
    run = BackgroundScan(of_their_own(domains), workers, ListSink(error, fails_at=fails_at))
    with pytest.raises(DiskFullError) as caught:
        await run(listed(domains))
    assert caught.value is error
    assert caught.value.__cause__ is cause
    assert len(run.world.net.calls) < 300


async def test_an_error_of_sync_stops_the_scan_too(autojump_clock: MockClock) -> None:
    run = BackgroundScan(of_their_own(names(5)), 2, ListSink(DiskFullError("no space"), in_sync=True))
    with pytest.raises(DiskFullError):
        await run(listed(names(5)))


async def test_the_error_of_a_sink_comes_before_those_of_the_workers(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    """Workers that find the channel closed fail too; the user needs the error of the sink."""
    monkeypatch.setattr(pipeline, "BACKLOG", 0)
    domains = names(50)
    dns = {question: found for name in domains for question, found in _gone(name).items()}
    for _ in range(20):
        run = BackgroundScan(World(dns), 50, ListSink(DiskFullError("no space"), fails_at=1))
        with pytest.raises(DiskFullError):
            await run(listed(domains))


def _gone(name: str) -> dict[fakes.Question, Answer]:
    return fakes.rows(fakes.nothing(name, "MX")) | missing(name)


async def test_an_error_of_the_reader_is_raised_unchanged(autojump_clock: MockClock) -> None:
    def torn() -> Iterator[Target | Reject]:
        yield target("d0.test")
        raise OSError(5, "Input/output error")

    run = BackgroundScan(of_their_own(["d0.test"]), 2)
    with pytest.raises(OSError, match="Input/output error"):
        await run(torn())


# --- memory ---------------------------------------------------------------------------------------------------


async def test_the_reader_is_at_most_two_batches_ahead(autojump_clock: MockClock) -> None:
    read = 0

    def counted() -> Iterator[Target | Reject]:
        nonlocal read
        for item in listed(domains):
            read += 1
            yield item

    domains = names(1000)
    run = BackgroundScan(of_their_own(domains), workers=4)
    async with trio.open_nursery() as scan:
        scan.start_soon(run, counted())
        for _ in range(3):
            await trio.sleep(SECONDS)
            assert read <= len(run.world.net.calls) + 2 * pipeline.READ_BATCH + 4
        run.stop.now()


async def test_a_slow_writer_makes_the_workers_wait(monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock) -> None:
    """The channel to the writer is bounded; when it is full, the workers wait."""
    waiting: list[int] = []
    original: Callable[..., Any] = pipeline._receive_batch

    async def late(seen: trio.MemoryReceiveChannel[Any]) -> Any:
        if not waiting:
            await trio.sleep(SECONDS * 100)
            statistics = seen.statistics()
            waiting.append(statistics.current_buffer_used)
            assert statistics.tasks_waiting_send <= 4
        return await original(seen)

    monkeypatch.setattr(pipeline, "_receive_batch", late)
    domains = names(pipeline.BACKLOG + 50)
    run = BackgroundScan(of_their_own(domains), workers=4)
    await run(listed(domains))
    assert waiting == [pipeline.BACKLOG]
    assert len(run.sink.domains) == len(domains)
