"""Retry passes: which targets are examined again, and that the last result counts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
import trio
from trio.testing import MockClock

from scanner.core import pkix, retry
from scanner.facts import CertFacts, Endpoint
from scanner.model import DomainRecord, HostReport
from scanner.net.probe import ProbeResult
from scanner.reasons import Reason
from scanner.run import pipeline
from scanner.run.connections import Connections
from scanner.run.examine import DomainResult
from scanner.run.passes import RetryPasses
from scanner.run.stats import Stats
from scanner.settings import Caps, Retries, Settings
from scanner.vocabulary import FailureKind, Phase, StartTLS
from targets.lists import Target
from tests.unit import fakes, records
from tests.unit.fakes import DOMAIN, MX1, V4, V4B, Behaviour, World, fails, host, mx, no_starttls, shakes
from tests.unit.run.test_pipeline import ListSink, inline, listed, of_their_own

__all__ = ["inline"]  # a fixture, used by all

AFTER = 300.0
busy = fails(Phase.GREETING, FailureKind.REJECTED, 421, "4.7.0 Too many connections")
later = fails(Phase.GREETING, FailureKind.REJECTED, 450, "4.7.1 greylisted")


class Attempts(ListSink):
    """A sink that keeps the failures of earlier passes at the first address of each record."""

    def __init__(self) -> None:
        super().__init__()
        self.earlier: list[list[str]] = []
        self.reports: list[HostReport] = []

    def put_domain(self, record: DomainRecord, reports: Sequence[HostReport], certs: Mapping[str, CertFacts]) -> None:
        super().put_domain(record, reports, certs)
        self.reports += reports
        for report in reports[:1]:
            self.earlier.append([probe.failure.text for probe in report.endpoints[0].earlier if probe.failure])


class Passes:
    """A scan with retry passes, with breakers and gates before its servers."""

    def __init__(self, world: World, *, times: int = 2, caps: Caps | None = None) -> None:
        self.world = world
        self.sink = Attempts()
        self.stop = pipeline.Stop()
        pace = caps or Caps(total=50, per_address=9, per_network=50, per_provider=50, rate=1e9, spacing=0)
        self.settings = replace(Settings(), caps=pace, retries=Retries(times, AFTER))
        self.ports = world.ports(self.settings)

    async def __call__(self, domains: Sequence[str]) -> None:
        connections = Connections(self.settings, self.ports.stats, self.world.net)
        self.ports = replace(self.ports, probe=connections)
        await pipeline.scan(listed(domains), self.ports, self.sink, self.stop)
        self.world.check()

    def outcomes(self) -> list[str]:
        return [str(record.verdict.outcome) for record in self.sink.domains]


def one(*servers: Behaviour) -> World:
    return World(mx() | host(MX1, V4, records=[fakes.OK_RECORD]), {V4: servers})


@pytest.mark.parametrize(
    ("servers", "outcomes", "visits"),
    [
        ([shakes()], ["ok"], 1),
        ([later, shakes()], ["inconclusive", "ok"], 2),
        ([busy, shakes()], ["inconclusive", "ok"], 2),
        ([fakes.refuses, later, shakes()], ["inconclusive", "inconclusive", "ok"], 3),
        ([fakes.refuses, fakes.refuses, fakes.refuses, shakes()], ["inconclusive"] * 3, 3),
        ([no_starttls, shakes()], ["fail"], 1),  # conclusive, though a failure
        ([fails(Phase.STARTTLS, FailureKind.REJECTED, 454), shakes()], ["fail", "ok"], 2),
        ([fails(Phase.STARTTLS, FailureKind.REJECTED, 502), shakes()], ["fail"], 1),
    ],
)
async def test_an_inconclusive_target_is_examined_again(
    autojump_clock: MockClock, servers: list[Behaviour], outcomes: list[str], visits: int
) -> None:
    run = Passes(one(*servers))
    began = trio.current_time()
    await run([fakes.DOMAIN])
    assert run.outcomes() == outcomes
    assert len(run.world.net.calls) == visits
    assert trio.current_time() - began == pytest.approx((len(outcomes) - 1) * AFTER, abs=5)
    stats = run.ports.stats
    assert (stats.done, stats.tallies[f"outcome {outcomes[-1]}"]) == (1, 1)
    assert sum(count for key, count in stats.tallies.items() if key.startswith("outcome")) == 1


@pytest.mark.parametrize("times", [0, 1])
async def test_one_busy_address_does_not_hide_the_other(autojump_clock: MockClock, times: int) -> None:
    """One address replies 421, the other works: the host is ok, in whatever order they are probed."""
    caps = Caps(total=50, per_address=9, per_network=1, per_provider=1, rate=1e9, spacing=0)
    world = World(mx() | host(MX1, V4, V4B, records=[fakes.OK_RECORD]), {V4: busy, V4B: shakes()})
    run = Passes(world, times=times, caps=caps)
    await run([fakes.DOMAIN])
    assert run.outcomes()[-1] == "ok"
    assert Reason.HELD_BACK not in run.sink.domains[-1].verdict.reasons


async def test_a_failed_lookup_is_tried_again(autojump_clock: MockClock) -> None:
    dns = mx() | host(MX1, V4)
    table: dict[fakes.Question, object] = {**dns}
    table[fakes.DOMAIN, "MX"] = [fakes.failed(fakes.DOMAIN, "MX"), dns[fakes.DOMAIN, "MX"]]
    run = Passes(World(table, {V4: shakes()}))  # type: ignore[arg-type] # a row of either kind
    await run([fakes.DOMAIN])
    assert run.outcomes() == ["inconclusive", "ok"]


async def test_every_attempt_is_kept_and_the_last_one_counts(autojump_clock: MockClock) -> None:
    run = Passes(one(fakes.refuses, later, shakes()))
    await run([fakes.DOMAIN])
    assert run.sink.earlier == [[], ["Connection refused"], ["Connection refused", "4.7.1 greylisted"]]


async def test_the_number_of_kept_attempts_is_limited(autojump_clock: MockClock) -> None:
    visits = [fails(Phase.GREETING, FailureKind.TIMEOUT, text=str(number)) for number in range(13)]
    run = Passes(one(*visits), times=12)
    await run([fakes.DOMAIN])
    assert run.sink.earlier[-1] == [str(number) for number in range(12 - retry.EARLIER, 12)]


async def test_an_address_that_answered_is_not_probed_again(autojump_clock: MockClock) -> None:
    dns = mx() | host(MX1, V4, V4B)
    run = Passes(World(dns, {V4: shakes(), V4B: [later, shakes()]}))
    await run([fakes.DOMAIN])
    assert sorted(call.address for call in run.world.net.calls) == [V4, V4B, V4B]


async def test_an_interrupt_during_the_wait_completes_the_scan(autojump_clock: MockClock) -> None:
    run = Passes(one(later))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, [fakes.DOMAIN])
        await trio.sleep(10)
        assert "1 domains are inconclusive and are tried again at" in run.ports.stats.waiting
        run.stop.drain()
    assert trio.current_time() < AFTER
    assert not run.stop.draining
    assert run.outcomes() == ["inconclusive"]
    assert run.ports.stats.waiting == ""


async def test_targets_that_wait_for_a_retry_pass_are_counted(autojump_clock: MockClock) -> None:
    run = Passes(one(later), times=1)
    stats, seen = run.ports.stats, []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, [fakes.DOMAIN])
        for wait in (AFTER / 2, AFTER):
            await trio.sleep(wait)
            seen.append((stats.done, stats.judged, stats.retrying))
    # during the wait; and after the last pass, when no target waits although the host still replies 421
    assert seen == [(1, 1, 1), (1, 2, 0)]
    assert (stats.wanted, stats.in_flight) == (0, 0)


# --- a storm of 421 -------------------------------------------------------------------------------------------

LIMIT = 2
PROBE = 10.0  # seconds of each probe
STORM = [f"c{number}.test" for number in range(40)]
OTHERS = [f"d{number}.test" for number in range(40)]


class Crowded:
    """Servers of which those of one provider accept ``limit`` simultaneous connections in total."""

    def __init__(self, world: World, crowded: set[str], limit: int) -> None:
        self._world = world
        self._crowded = crowded
        self._limit = limit
        self._inside = 0
        self.ended: dict[str, float] = {}

    async def __call__(self, endpoint: Endpoint) -> ProbeResult:
        here = endpoint.address in self._crowded
        self._inside += here
        full = here and self._inside > self._limit
        try:
            result = await self._world.net(endpoint)
        finally:
            self._inside -= here
        self.ended.setdefault(endpoint.address, trio.current_time())
        return busy(endpoint) if full else result


async def crowded_scan(total: int, limit: int) -> tuple[Attempts, float]:
    """Scan forty hosts of a provider with a limit, and forty of other providers; each probe takes ``PROBE`` seconds.

    Returns:
        The sink, and the seconds until the last host of another provider was probed.
    """
    world = of_their_own(OTHERS)
    places = {f"mx{number}.storm.test": f"198.51.{number}.1" for number in range(40)}
    dns = dict(world.dns)
    for name, (mail, place) in zip(STORM, places.items(), strict=True):
        dns |= mx(f"10 {mail}", domain=name) | host(mail, place)
    world = World(dns, {**world.servers, **dict.fromkeys(places.values(), shakes())}, seconds=PROBE)
    run = Passes(world, caps=Caps(total=total, per_network=99, rate=1e9, spacing=0))
    crowded = Crowded(world, set(places.values()), limit)
    run.ports = replace(run.ports, probe=Connections(run.settings, run.ports.stats, crowded))
    began = trio.current_time()
    mixed = [name for pair in zip(STORM, OTHERS, strict=True) for name in pair]  # the spool shuffles the list
    await pipeline.scan(listed(mixed), run.ports, run.sink, run.stop)
    return run.sink, max(crowded.ended[f"192.0.0.{number}"] for number in range(40)) - began


@pytest.mark.parametrize("total", [100, 20])  # more and fewer workers than hosts of the provider
async def test_a_storm_of_421_ends_conclusive_and_delays_no_others(autojump_clock: MockClock, total: int) -> None:
    sink, took = await crowded_scan(total, LIMIT)
    _, without = await crowded_scan(total, len(STORM))
    assert took < without + PROBE  # the order in which the event loop starts waiting probes is random
    last = {record.key: record for record in sink.domains}
    assert {str(record.verdict.outcome) for record in last.values()} == {"ok"}
    assert {str(record.verdict.starttls) for record in last.values()} == {"all"}
    reasons = {reason for record in sink.domains for reason in record.verdict.reasons}
    assert {Reason.HELD_BACK, Reason.GREETING_4XX} <= reasons
    assert not {Reason.STARTTLS_NOT_OFFERED, Reason.HOST_UNREACHABLE} & reasons


async def test_hosts_in_a_storm_of_421_keep_both_attempts(autojump_clock: MockClock) -> None:
    sink, _ = await crowded_scan(100, LIMIT)
    ends = {report.host: report.endpoints[0] for report in sink.reports if report.host.endswith(".storm.test")}
    assert len(ends) == 40
    first = Counter(probe.failure and probe.failure.kind for end in ends.values() for probe in end.earlier[:1])
    assert set(first) == {FailureKind.HELD_BACK, FailureKind.REJECTED}
    assert sum(first.values()) >= len(ends) - LIMIT, "all hosts beyond the limit were rejected or held back"
    assert all(end.probes[-1].handshake for end in ends.values())
    probes = [p for report in sink.reports for end in report.endpoints for p in (*end.earlier, *end.probes)]
    assert {probe.starttls for probe in probes} == {StartTLS.OFFERED, StartTLS.UNKNOWN}


async def test_a_bug_in_making_a_report_is_recorded_and_retry_passes_go_on(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr(pkix, "verify", broken)
    dns = mx() | host(MX1, V4) | mx("10 mx.b.test", domain="b.test") | host("mx.b.test", V4B)
    run = Passes(World(dns, {V4: [shakes()], V4B: [later, later, later]}), times=2)
    await run([DOMAIN, "b.test"])
    records_ = [(record.key, str(record.verdict.outcome)) for record in run.sink.domains]
    assert records_.count((DOMAIN, "inconclusive")) == 1
    assert [key for key, _ in records_].count("b.test") == 3
    assert run.ports.stats.internal_errors == 1


def test_targets_of_the_current_and_the_next_pass_are_counted_as_retrying() -> None:
    stats = Stats()
    passes = RetryPasses(stats, 1)
    targets = [fakes.target(name) for name in ("a.test", "b.test")]

    def result(target: Target, *, retry: bool) -> DomainResult:
        return DomainResult(records.domain(key=target.destination.key), retry=retry)

    for target in targets:
        passes.note(target, result(target, retry=True))
    assert stats.retrying == 2
    assert passes.begin() == targets
    passes.note(targets[0], result(targets[0], retry=False))
    assert stats.retrying == 1
    passes.note(targets[1], result(targets[1], retry=True))  # there is no further pass
    assert stats.retrying == 0


async def test_each_pass_can_be_made_alone_over_the_stored_reports(autojump_clock: MockClock) -> None:
    """The first pass counts the targets for the next; the next pass repeats the probe, and keeps the earlier probe."""
    run = Passes(one(later, shakes()))
    await pipeline.scan(listed([DOMAIN]), run.ports, run.sink, pipeline.Stop(), only_pass=0)
    assert (run.outcomes(), run.ports.stats.retrying) == (["inconclusive"], 1)
    stored = {report.key: (report, dict[str, CertFacts]()) for report in run.sink.reports}
    again = Passes(run.world)
    await pipeline.scan(listed([DOMAIN]), again.ports, again.sink, pipeline.Stop(), stored.get, only_pass=1)
    assert (again.outcomes(), again.ports.stats.retrying) == (["ok"], 0)
    assert again.sink.earlier == [["4.7.1 greylisted"]]
