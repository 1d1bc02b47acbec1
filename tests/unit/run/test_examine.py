"""The examination of one domain: hosts shared among domains, bugs of ours, stored reports and retry passes."""

from typing import Any

import pytest

from scanner.core import judgement
from scanner.reasons import Reason
from scanner.run.examine import DomainObservation, Examiner
from scanner.run.host_result import ReportAndCerts
from scanner.run.ports import now
from scanner.settings import Settings
from scanner.vocabulary import FailureKind, Phase
from tests.unit.fakes import DOMAIN, MX1, MX2, V4, V4B, World, fails, host, mx, shakes, target

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
    record = Examiner(world.ports(Settings())).judge(seen).record
    assert (record.verdict.outcome, record.verdict.reasons) == ("inconclusive", (Reason.INTERNAL,))
    assert record.verdict.text.startswith(f"LookupError: the test's table has no answer to ('{MX1}', 'A') (fakes.py:")


async def test_a_bug_in_the_judgement_becomes_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr(judgement, "judge_host", broken)
    record = (await World(mx() | host(MX1, V4), {V4: shakes()}).examine()).record
    assert (record.verdict.outcome, record.hosts) == ("inconclusive", ())
    assert record.verdict.text.startswith("ZeroDivisionError: of all things (test_examine.py:")


def test_an_error_without_a_traceback_has_no_place() -> None:
    seen = DomainObservation(target(), now(), error=KeyError("x"))
    record = Examiner(World({}).ports(Settings())).judge(seen).record
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
    examiner = Examiner(World(dns).ports(Settings()), lambda _: (stored.reports[0], stored.certs or {}))
    examiner.next_pass()
    stored = await World(dns, {V4: BUSY}).examine()
    result = await examiner.examine(target())
    assert result.reports == stored.reports
