"""Later passes: what is tried again, that the last word counts, and that nobody who answered is asked twice."""

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
from scanner.run.stats import Stats
from scanner.settings import Caps, Retries, Settings
from scanner.vocabulary import FailureKind, Mode, Phase, StartTLS
from tests.unit import fakes
from tests.unit.fakes import DOMAIN, MX1, V4, V4B, Behaviour, World, fails, host, mx, no_starttls, shakes
from tests.unit.run.test_pipeline import Sink, inline, listed, of_their_own

__all__ = ["inline"]  # a fixture, used by all

AFTER = 300.0
busy = fails(Phase.GREETING, FailureKind.REJECTED, 421, "4.7.0 Too many connections")
later = fails(Phase.GREETING, FailureKind.REJECTED, 450, "4.7.1 greylisted")


class Attempts(Sink):
    """Takes down what earlier passes met at the first address of each record."""

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
    """A scan with later passes, with breakers and gates before its servers."""

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

    def words(self) -> list[str]:
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
        ([no_starttls, shakes()], ["fail"], 1),  # an answer that displeases is an answer
        ([fails(Phase.STARTTLS, FailureKind.REJECTED, 454), shakes()], ["fail", "ok"], 2),
        ([fails(Phase.STARTTLS, FailureKind.REJECTED, 502), shakes()], ["fail"], 1),
    ],
)
async def test_what_could_not_be_told_is_tried_again(
    autojump_clock: MockClock, servers: list[Behaviour], outcomes: list[str], visits: int
) -> None:
    run = Passes(one(*servers))
    began = trio.current_time()
    await run([fakes.DOMAIN])
    assert run.words() == outcomes
    assert len(run.world.net.calls) == visits
    assert trio.current_time() - began == pytest.approx((len(outcomes) - 1) * AFTER, abs=5)
    stats = run.ports.stats
    assert (stats.done, stats.tallies[f"outcome {outcomes[-1]}"]) == (1, 1)
    assert sum(count for key, count in stats.tallies.items() if key.startswith("outcome")) == 1


@pytest.mark.parametrize("times", [0, 1])
async def test_one_busy_address_does_not_hide_the_other(autojump_clock: MockClock, times: int) -> None:
    """421 at one address of two, a good answer at the other: the host is ok, whoever of them comes first."""
    caps = Caps(total=50, per_address=9, per_network=1, per_provider=1, rate=1e9, spacing=0)
    world = World(mx() | host(MX1, V4, V4B, records=[fakes.OK_RECORD]), {V4: busy, V4B: shakes()})
    run = Passes(world, times=times, caps=caps)
    await run([fakes.DOMAIN])
    assert run.words()[-1] == "ok"
    assert Reason.HELD_BACK not in run.sink.domains[-1].verdict.reasons


async def test_a_failed_lookup_is_tried_again(autojump_clock: MockClock) -> None:
    dns = mx() | host(MX1, V4)
    table: dict[fakes.Question, object] = {**dns}
    table[fakes.DOMAIN, "MX"] = [fakes.failed(fakes.DOMAIN, "MX"), dns[fakes.DOMAIN, "MX"]]
    run = Passes(World(table, {V4: shakes()}))  # type: ignore[arg-type] # a row of either kind
    await run([fakes.DOMAIN])
    assert run.words() == ["inconclusive", "ok"]


async def test_every_attempt_is_kept_and_the_last_word_counts(autojump_clock: MockClock) -> None:
    run = Passes(one(fakes.refuses, later, shakes()))
    await run([fakes.DOMAIN])
    assert run.sink.earlier == [[], ["Connection refused"], ["Connection refused", "4.7.1 greylisted"]]


async def test_attempts_that_are_kept_are_bounded(autojump_clock: MockClock) -> None:
    visits = [fails(Phase.GREETING, FailureKind.TIMEOUT, text=str(number)) for number in range(13)]
    run = Passes(one(*visits), times=12)
    await run([fakes.DOMAIN])
    assert run.sink.earlier[-1] == [str(number) for number in range(12 - retry.EARLIER, 12)]


async def test_who_has_answered_is_not_asked_again(autojump_clock: MockClock) -> None:
    dns = mx() | host(MX1, V4, V4B)
    run = Passes(World(dns, {V4: shakes(), V4B: [later, shakes()]}))
    await run([fakes.DOMAIN])
    assert sorted(call.address for call in run.world.net.calls) == [V4, V4B, V4B]


async def test_an_interrupt_during_the_wait_ends_the_scan_in_order(autojump_clock: MockClock) -> None:
    run = Passes(one(later))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, [fakes.DOMAIN])
        await trio.sleep(10)
        assert "1 domains are inconclusive and are tried again at" in run.ports.stats.waiting
        run.stop.drain()
    assert trio.current_time() < AFTER
    assert not run.stop.draining
    assert run.words() == ["inconclusive"]
    assert run.ports.stats.waiting == ""


async def test_those_who_wait_for_a_later_pass_are_counted(autojump_clock: MockClock) -> None:
    run = Passes(one(later), times=1)
    stats, seen = run.ports.stats, []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, [fakes.DOMAIN])
        for wait in (AFTER / 2, AFTER):
            await trio.sleep(wait)
            seen.append((stats.done, stats.judged, stats.retrying))
    # in the wait, and after the last pass, which has nobody wait any more though the host still says 421
    assert seen == [(1, 1, 1), (1, 2, 0)]
    assert (stats.wanted, stats.in_flight) == (0, 0)


# --- a storm of 421 -------------------------------------------------------------------------------------------

LIMIT = 2
STORM = [f"c{number}.test" for number in range(40)]
OTHERS = [f"d{number}.test" for number in range(40)]


class Crowded:
    """Servers of which those of one provider take so many connections at once, all together, and no more."""

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
    """Forty hosts of one provider that takes so many connections at once, and forty of others, ten seconds each.

    Returns:
        The records, and how long it took until the last host of another provider had been seen.
    """
    world = of_their_own(OTHERS)
    places = {f"mx{number}.storm.test": f"198.51.{number}.1" for number in range(40)}
    dns = dict(world.dns)
    for name, (mail, place) in zip(STORM, places.items(), strict=True):
        dns |= mx(f"10 {mail}", domain=name) | host(mail, place)
    world = World(dns, {**world.servers, **dict.fromkeys(places.values(), shakes())}, seconds=10)
    run = Passes(world, caps=Caps(total=total, per_network=99, rate=1e9, spacing=0))
    crowded = Crowded(world, set(places.values()), limit)
    run.ports = replace(run.ports, probe=Connections(run.settings, run.ports.stats, crowded))
    began = trio.current_time()
    mixed = [name for pair in zip(STORM, OTHERS, strict=True) for name in pair]  # as the spool shuffles them
    await pipeline.scan(listed(mixed), run.ports, run.sink, run.stop)
    return run.sink, max(crowded.ended[f"192.0.0.{number}"] for number in range(40)) - began


@pytest.mark.parametrize("total", [100, 20])  # room for all, and fewer than the hosts of the provider
async def test_a_storm_of_421_ends_conclusive_and_slows_nobody_else_down(autojump_clock: MockClock, total: int) -> None:
    sink, took = await crowded_scan(total, LIMIT)
    _, without = await crowded_scan(total, len(STORM))
    assert took <= without + 0.001  # for the arithmetic of floating point
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
    assert sum(first.values()) >= len(ends) - LIMIT, "all but those that had room were turned away or held back"
    assert all(end.probes[-1].handshake for end in ends.values())
    probes = [p for report in sink.reports for end in report.endpoints for p in (*end.earlier, *end.probes)]
    assert {probe.starttls for probe in probes} == {StartTLS.OFFERED, StartTLS.UNKNOWN}


async def test_a_bug_in_drawing_a_report_up_is_told_and_later_passes_go_on(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr(pkix, "verify", broken)
    dns = mx() | host(MX1, V4) | mx("10 mx.b.test", domain="b.test") | host("mx.b.test", V4B)
    run = Passes(World(dns, {V4: [shakes()], V4B: [later, later, later]}), times=2)
    await run([DOMAIN, "b.test"])
    told = [(record.key, str(record.verdict.outcome)) for record in run.sink.domains]
    assert told.count((DOMAIN, "inconclusive")) == 1
    assert [key for key, _ in told].count("b.test") == 3
    assert run.ports.stats.internal_errors == 1


async def test_out_of_descriptors_fewer_at_once_and_all_done_in_the_end(autojump_clock: MockClock) -> None:
    """The machine has descriptors for three; thirty are asked for."""
    settings = replace(Settings(), caps=Caps(total=30, rate=1e9, spacing=0), retries=Retries(0, AFTER))
    inside = 0
    failed = 0

    async def probe(endpoint: Endpoint) -> ProbeResult:
        nonlocal inside, failed
        if inside >= 3:
            failed += 1
            return fails(Phase.CONNECT, FailureKind.RESOURCES, 24)(endpoint)
        inside += 1
        await trio.sleep(1)
        inside -= 1
        return shakes()(endpoint)

    connections = Connections(settings, Stats(), probe)
    seen: list[ProbeResult] = []

    async def visit(number: int) -> None:
        endpoint = Endpoint(f"192.0.{number}.1", 25, None, Mode.SMTP, "authenticated")
        seen.append(await connections(endpoint, f"mx.d{number}.example"))

    async with trio.open_nursery() as nursery:
        for number in range(30):
            nursery.start_soon(visit, number)
    assert [result.probe.failure for result in seen] == [None] * 30
    assert failed <= 30 * 2
