"""The examination of one domain: hosts shared among domains, bugs of ours, stored reports and retry passes."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from scanner.core import judgement
from scanner.facts import Endpoint, TLSARecord
from scanner.net.probe import ProbeResult
from scanner.reasons import Reason
from scanner.run import domain_slots
from scanner.run.examine import DomainObservation, Examiner
from scanner.run.host_result import ReportAndCerts
from scanner.run.ports import now
from scanner.run.slices import Slices
from scanner.settings import Caps, Settings
from scanner.vocabulary import FailureKind, Outcome, Phase
from tests.unit import sts
from tests.unit.fakes import (
    DOMAIN,
    MX1,
    MX2,
    OK_RECORD,
    V4,
    V4B,
    WRONG_RECORD,
    World,
    addresses,
    answer,
    fails,
    host,
    mx,
    rows,
    shakes,
    target,
)
from tests.unit.run.test_policies import LEAF, NO_TLSRPT, RECORD, PolicyHosts

BUSY = fails(Phase.GREETING, FailureKind.REJECTED, 421, "busy")
OTHER = "other.test"


async def test_a_record_has_all_hosts_of_the_route_in_its_order() -> None:
    dns = mx(f"10 {MX1}", f"20 {MX2}") | host(MX1, V4) | host(MX2, V4B)
    result = await World(dns, {V4: shakes(), V4B: shakes()}).examine()
    assert result.record.key == DOMAIN
    assert [each.host for each in result.record.hosts] == [report.host for report in result.reports] == [MX1, MX2]
    assert result.certs
    assert not result.retry


async def test_a_domain_is_observed_from_the_beginning_of_its_examination() -> None:
    result = await World(mx() | host(MX1, V4), {V4: shakes()}).examine()
    (report,) = result.reports
    assert result.record.observed_at <= report.observed_at


async def test_two_domains_share_a_host() -> None:
    world = World(mx() | mx(domain=OTHER) | host(MX1, V4), {V4: shakes()})
    ports = world.ports(Settings())
    examiner = Examiner(ports)
    first, second = [await examiner.examine(target(name)) for name in (DOMAIN, OTHER)]
    assert first.reports == second.reports
    assert (len(world.net.calls), ports.stats.endpoints_shared) == (1, 1)


async def test_a_bug_in_the_observation_becomes_the_record() -> None:
    world = World(mx(), {})  # the table has no address of MX1: the fake raises, which counts as a bug
    seen = await Examiner(world.ports(Settings())).observe(target())
    assert isinstance(seen.error, RuntimeError)  # from the single flight
    record = (await Examiner(world.ports(Settings())).judge(seen, Slices())).record
    assert (record.verdict.outcome, record.verdict.reasons) == ("inconclusive", (Reason.INTERNAL,))
    assert record.verdict.text.startswith(
        f"MX host {MX1}: LookupError: the test's table has no answer to ('{MX1}', 'A') (fakes.py:"
    )


async def test_a_bug_in_the_judgement_becomes_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr(judgement, "view_of", broken)
    record = (await World(mx() | host(MX1, V4), {V4: shakes()}).examine()).record
    assert (record.verdict.outcome, record.hosts) == ("inconclusive", ())
    assert record.verdict.text.startswith(f"MX host {MX1}: ZeroDivisionError: of all things (test_examine.py:")


async def test_an_error_without_a_traceback_has_no_place() -> None:
    seen = DomainObservation(target(), now(), error=KeyError("x"))
    record = (await Examiner(World({}).ports(Settings())).judge(seen, Slices())).record
    assert record.verdict.text == "KeyError: 'x'"


async def test_a_stored_report_is_used_without_a_probe() -> None:
    first = await World(mx() | host(MX1, V4), {V4: shakes()}).examine()
    world = World(mx())
    asked: list[str] = []

    def load(key: str) -> ReportAndCerts:
        asked.append(key)
        return first.reports[0], first.certs or {}

    result = await Examiner(world.ports(Settings()), load).examine(target())
    assert (result.reports, asked, world.net.calls) == (first.reports, [f"{MX1}:25/smtp"], [])


async def test_a_retry_pass_examines_a_stored_host_again_if_it_is_worth_a_retry() -> None:
    """The report of the pass before is no longer in memory; its probes are kept as earlier ones."""
    dns = mx() | host(MX1, V4)
    stored = (await World(dns, {V4: BUSY}).examine()).reports[0]
    world = World(dns, {V4: shakes()})
    examiner = Examiner(world.ports(Settings()), lambda _: (stored, {}))
    examiner.next_pass()
    result = await examiner.examine(target())
    assert len(world.net.calls) == 1
    (end,) = result.reports[0].endpoints
    assert [probe.failure and probe.failure.code for probe in (*end.earlier, *end.probes)] == [421, None]


async def test_a_retry_pass_repeats_only_hosts_that_are_worth_a_retry() -> None:
    dns = mx(f"10 {MX1}", f"20 {MX2}") | host(MX1, V4) | host(MX2, V4B)
    world = World(dns, {V4: shakes(), V4B: [BUSY, shakes()]})
    examiner = Examiner(world.ports(Settings()))
    assert (await examiner.examine(target())).retry
    examiner.next_pass()
    again = await examiner.examine(target())
    assert not again.retry
    assert [call.address for call in world.net.calls] == [V4, V4B, V4B]


async def test_a_report_of_the_current_pass_is_used_though_it_is_worth_a_retry() -> None:
    dns = mx() | host(MX1, V4)
    stored = (await World(dns, {V4: BUSY}).examine()).reports
    world = World(dns, {V4: BUSY})
    examiner = Examiner(world.ports(Settings()), lambda _: (stored[0], {}))
    examiner.next_pass()
    stored = (await examiner.examine(target())).reports
    examiner._hosts.forget(lambda _: True)
    assert (await examiner.examine(target())).reports == stored
    assert len(world.net.calls) == 1


@pytest.mark.parametrize("in_memory", [True, False])
async def test_a_retry_pass_does_not_depend_on_the_clock(monkeypatch: pytest.MonkeyPatch, *, in_memory: bool) -> None:
    """The clock is set back by an hour before the pass; the report of the pass replaces the earlier one, once."""
    dns = mx() | host(MX1, V4)
    world = World(dns, {V4: [BUSY, shakes()]})
    first = World(dns, {V4: BUSY})
    examiner = Examiner(world.ports(Settings()), None if in_memory else lambda _: (stored[0], {}))
    stored = (await (examiner.examine(target()) if in_memory else first.examine())).reports
    for module in ("examine", "hosts"):
        monkeypatch.setattr(f"scanner.run.{module}.now", lambda: now() - timedelta(hours=1))
    examiner.next_pass()
    stored = (await examiner.examine(target())).reports
    assert len(world.net.calls) == (2 if in_memory else 1)
    assert (await examiner.examine(target())).reports == stored
    assert len(world.net.calls) == (2 if in_memory else 1)


async def test_a_shared_host_takes_the_slots_of_each_domain_that_waits_for_it(autojump_clock: MockClock) -> None:
    """A domain with a host that is slow at all addresses does not delay a domain with which it shares another host."""
    slow, shared = ["192.0.2.11", "192.0.2.12"], ["192.0.2.21", "192.0.2.22"]
    dns = mx(f"10 {MX1}", f"20 {MX2}") | mx(f"10 {MX2}", domain=OTHER) | host(MX1, *slow) | host(MX2, *shared)
    ended: dict[str, float] = {}

    async def probe(endpoint: Endpoint, host: str) -> ProbeResult:
        await trio.sleep(100 if endpoint.address in slow else 10)
        return shakes()(endpoint)

    settings = replace(Settings(), caps=Caps(per_domain=2))
    examiner = Examiner(replace(World(dns).ports(settings), probe=probe))

    async def examine(name: str) -> None:
        await examiner.examine(target(name))
        ended[name] = trio.current_time()

    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(examine, DOMAIN)
        await trio.sleep(1)
        nursery.start_soon(examine, OTHER)
    assert ended[OTHER] - began <= 11
    assert ended[DOMAIN] - began >= 100


async def test_the_probes_in_flight_for_one_domain_are_limited(autojump_clock: MockClock) -> None:
    names = [f"mx{number}.test" for number in range(9)]
    dns = mx(*[f"10 {name}" for name in names])
    for number, name in enumerate(names):
        dns |= host(name, *[f"192.0.{number}.{last}" for last in range(5)])
    active = most = 0

    async def probe(endpoint: Endpoint, host: str) -> ProbeResult:
        nonlocal active, most
        active += 1
        most = max(most, active)
        await trio.sleep(1)
        active -= 1
        return shakes()(endpoint)

    settings = replace(Settings(), caps=Caps(per_domain=4))
    result = await Examiner(replace(World(dns).ports(settings), probe=probe)).examine(target())
    assert (most, sum(len(report.endpoints) for report in result.reports)) == (4, 45)


async def test_hosts_above_the_limits_are_neither_looked_up_nor_probed() -> None:
    names = [f"mx{number:02}.test" for number in range(30)]
    dns = mx(*[f"10 {name}" for name in names])
    for number, name in enumerate(names[:8]):
        dns |= host(name, *[f"192.0.{number}.{last}" for last in range(10)])
    servers = {f"192.0.{number}.{last}": shakes() for number in range(3) for last in range(10)}
    world = World(dns, servers)
    record = (await world.examine(settings=Settings(hosts=20, addresses=10, domain_addresses=39))).record
    assert [host.report is not None for host in record.hosts] == [True] * 3 + [False] * 27
    assert [host.reasons for host in record.hosts[3:]] == [("address-limit",)] * 17 + [("host-limit",)] * 10
    assert all(host.votes for host in record.hosts)
    assert record.verdict.reasons == ("tlsa-none", "address-limit", "host-limit")


async def test_transcripts_above_the_evidence_of_a_domain_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domain_slots, "EVIDENCE", 10_000)

    def behave(endpoint: Endpoint) -> ProbeResult:
        result = shakes()(endpoint)
        return replace(result, probe=replace(result.probe, transcript=("x" * 4000,)))

    world = World(mx() | host(MX1, V4, V4B, "192.0.2.3"), dict.fromkeys((V4, V4B, "192.0.2.3"), behave))
    (report,) = (await world.examine()).reports
    kept = [bool(probe.transcript) for end in report.endpoints for probe in end.probes]
    assert kept.count(True) in (1, 2)
    assert len(kept) == 3


# --- MTA-STS --------------------------------------------------------------------------------------------------

STS = Settings(sts=True)


def with_policy(*records: TLSARecord, hosts: PolicyHosts | None = None) -> World:
    dns = mx() | host(MX1, V4, records=records) | RECORD | addresses(sts.HOST, V4B)
    policy_hosts = hosts or PolicyHosts({V4B: (LEAF, sts.policy(MX1))})
    return World(dns, {V4: shakes()}, fetch=policy_hosts.fetch)


async def test_a_domain_with_a_policy() -> None:
    result = await with_policy(OK_RECORD).examine(settings=STS)
    verdict = result.record.verdict
    assert (verdict.sts, verdict.sender_sts, verdict.sender_both, verdict.mechanism) == (
        "protected", "verified", "verified", "both",
    )  # fmt: skip
    assert [each.sts for each in result.record.hosts] == ["ok"]
    assert result.record.sts is not None
    assert result.record.sts.policy is not None
    assert result.record.tlsrpt is not None
    assert LEAF.facts.sha256 in (result.certs or {})
    assert not result.retry


async def test_reasons_of_the_policy_follow_those_of_dane() -> None:
    hosts = PolicyHosts({V4B: (LEAF, sts.policy("other.test"))})
    verdict = (await with_policy(WRONG_RECORD, hosts=hosts).examine(settings=STS)).record.verdict
    assert " ".join(verdict.reasons) == "tlsa-mismatch level-not-met sts-mx-mismatch"
    assert verdict.tlsrpt == ("validation-failure", "dane-required")
    assert (verdict.dane, verdict.sts, verdict.mechanism) == ("broken", "broken", "broken")


async def test_without_the_setting_nothing_is_asked() -> None:
    record = (await World(mx() | host(MX1, V4), {V4: shakes()}).examine()).record
    assert (record.sts, record.tlsrpt, record.verdict.sts, record.verdict.mechanism) == (None, None, None, None)
    assert record.hosts[0].sts is None


async def test_a_policy_belongs_to_a_domain_and_not_to_a_mail_host() -> None:  # KumoMTA PR #557
    record = (await World(host(MX1, V4), {V4: shakes()}).examine(f"[{MX1}]", STS)).record
    assert (record.sts, record.verdict.sts) == (None, None)


async def test_a_domain_without_mail_is_not_asked_for_its_policy() -> None:
    record = (await World(mx("0 .")).examine(settings=STS)).record
    assert (record.sts, record.verdict.sts, record.verdict.mechanism) == (None, "no_mail", "no_mail")


async def test_a_policy_host_that_does_not_answer_is_worth_a_retry() -> None:
    hosts = PolicyHosts({V4B: Phase.HTTP})
    world = with_policy(OK_RECORD, hosts=hosts)
    examiner = Examiner(world.ports(STS))
    first = await examiner.examine(target())
    assert (first.retry, first.record.verdict.sts, first.record.verdict.mechanism) == (True, "lookup_failed", "dane")
    examiner.next_pass()
    await examiner.examine(target())
    assert (len(hosts.visits), len(world.net.calls)) == (2, 1)  # the MX host is not probed again


async def test_the_record_of_a_failed_lookup_of_the_policy() -> None:
    failing = rows(answer(f"_mta-sts.{DOMAIN}", "TXT", outcome=Outcome.ERROR)) | NO_TLSRPT
    result = await World(mx() | host(MX1, V4) | failing, {V4: shakes()}).examine(settings=STS)
    assert (result.retry, result.record.verdict.sts, result.record.verdict.mechanism) == (
        True, "lookup_failed", "unknown",
    )  # fmt: skip
