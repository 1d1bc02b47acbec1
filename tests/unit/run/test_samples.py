"""The samples of ``--sni-sample``: which hosts of a group are probed, and which get the result of the sample."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
import trio
import trio.testing

from scanner.facts import Answer, Endpoint, Failure, TLSARecord
from scanner.net.probe import ProbeResult
from scanner.reasons import Reason
from scanner.run import samples
from scanner.run.domain_slots import DomainSlots, HostDomains
from scanner.run.examine import DomainResult, Examiner
from scanner.run.host_result import HostKey, HostResult
from scanner.run.hosts import HostExaminer
from scanner.run.slices import Slices
from scanner.settings import Retries, Settings
from scanner.vocabulary import FailureKind, Level, Mode, Phase, Security
from tests.unit import fakes, pki
from tests.unit.fakes import (
    OK_RECORD,
    V4,
    V4B,
    Behaviour,
    World,
    addresses,
    answer,
    fails,
    mx,
    refuses,
    rows,
    shakes,
    target,
    tlsa,
)

Question = tuple[str, str]

NAMES = tuple(f"tenant{number}.mail.test" for number in range(1, 6))
BUSY = fails(Phase.GREETING, FailureKind.REJECTED, 421, "busy")
TWO = Settings(sni_sample=2, retries=Retries(0))
OTHER_LEAF = pki.Plan(pki.name("other.test"), pki.key("other"), pki.INTER, sans=pki.dns("other.test")).make()
COVERING = pki.Plan(pki.name("w"), pki.key("w"), pki.INTER, sans=pki.dns("*.mail.test", "last.test")).make()
TA_RECORD = pki.tlsa(2, 0, 1, pki.ROOT)


def group(*names: str, records: tuple[TLSARecord, ...] = (OK_RECORD,), at: str = V4) -> dict[Question, Answer]:
    """Return the answers of domains ``d.NAME``, each with the MX host NAME, all with the same addresses and records."""
    found: dict[Question, Answer] = {}
    for name in names:
        found |= mx(f"10 {name}", domain=f"d.{name}") | addresses(name, at) | tlsa(name, *records)
    return found


def by_name(usual: Behaviour, **others: Behaviour) -> Behaviour:
    """Return a behaviour that depends on the first label of the SNI."""
    return lambda endpoint: others.get((endpoint.sni or "").partition(".")[0], usual)(endpoint)


async def examined(
    dns: Mapping[Question, Answer], behave: Behaviour, settings: Settings = TWO, names: tuple[str, ...] = NAMES
) -> tuple[World, dict[str, DomainResult]]:
    """Examine the domains of the hosts one after the other."""
    world = World(dns, {V4: behave, V4B: behave})
    examiner = Examiner(world.ports(settings))
    found = {name: await examiner.examine(target(f"d.{name}")) for name in names}
    world.check()
    return world, found


def probed(world: World) -> list[str]:
    return [endpoint.sni or "" for endpoint in world.net.calls]


def sources(found: Mapping[str, DomainResult]) -> dict[str, str]:
    """Return the source of each host that was not probed."""
    reports = [report for result in found.values() for report in result.reports]
    return {report.host: report.inferred["from"] for report in reports if report.inferred is not None}


async def test_the_first_hosts_of_a_group_are_probed_and_the_others_are_inferred() -> None:
    world, found = await examined(group(*NAMES), shakes())
    assert probed(world) == list(NAMES[:2])
    assert sources(found) == dict.fromkeys(NAMES[2:], f"{NAMES[0]}:25/smtp")
    assert {result.record.verdict.dane for result in found.values()} == {"protected"}
    for name, result in found.items():
        seen = name in NAMES[:2]
        (host,) = result.record.hosts
        assert (Reason.INFERRED_FROM_SAMPLE in result.record.verdict.reasons) == (not seen)
        assert host.reasons == (() if seen else (Reason.INFERRED_FROM_SAMPLE,))
        (report,) = result.reports
        assert (report.host, report.key, report.tlsa.base_domain) == (name, f"{name}:25/smtp", name)
        assert report.endpoints[0].probes[0].endpoint.sni == (name if seen else NAMES[0])
        assert set(report.endpoints[0].probes[0].handshake.chain) <= set(result.certs or {})  # type: ignore[union-attr]


@pytest.mark.parametrize("settings", [Settings(), replace(TWO, sni="none"), replace(TWO, level=Level.MAY)])
async def test_without_the_option_or_a_name_to_send_nothing_is_inferred(settings: Settings) -> None:
    _, found = await examined(group(*NAMES), shakes(), settings)
    assert sources(found) == {}


async def test_without_the_option_every_host_is_probed() -> None:
    world, _ = await examined(group(*NAMES), shakes(), Settings())
    assert probed(world) == list(NAMES)


async def test_hosts_of_a_group_wait_for_its_sample(autojump_clock: trio.testing.MockClock) -> None:
    """All hosts are reached at the same moment, and each probe takes a second."""
    assert autojump_clock is not None
    world = World(group(*NAMES), {V4: shakes()}, seconds=1)
    examiner = Examiner(world.ports(TWO))
    found: dict[str, DomainResult] = {}

    async def one(name: str) -> None:
        found[name] = await examiner.examine(target(f"d.{name}"))

    async with trio.open_nursery() as nursery:
        for name in NAMES:
            nursery.start_soon(one, name)
    assert len(set(probed(world))) == 2
    assert len(sources(found)) == 3
    assert {result.record.verdict.dane for result in found.values()} == {"protected"}


async def test_hosts_of_a_group_wait_for_the_whole_sample(autojump_clock: trio.testing.MockClock) -> None:
    """The first host of the sample has a clean result half a second before the second, whose result differs."""
    assert autojump_clock is not None
    world = World(group(*NAMES[:3]), {V4: by_name(shakes(), tenant2=shakes(OTHER_LEAF))}, seconds=1)
    examiner = Examiner(world.ports(TWO))
    found: dict[str, DomainResult] = {}

    async def one(name: str, begin: float) -> None:
        await trio.sleep(begin)
        found[name] = await examiner.examine(target(f"d.{name}"))

    async with trio.open_nursery() as nursery:
        for place, name in enumerate(NAMES[:3]):
            nursery.start_soon(one, name, place / 2)
    assert (sources(found), set(probed(world))) == ({}, set(NAMES[:3]))


@pytest.mark.parametrize(
    ("behave", "daneof"),
    [
        (by_name(shakes(), tenant2=shakes(OTHER_LEAF)), {"tenant2": "broken"}),  # a mismatch in the sample
        (by_name(shakes(), tenant1=shakes(OTHER_LEAF)), {"tenant1": "broken"}),
        (by_name(shakes(), tenant1=BUSY), {"tenant1": "unknown"}),  # inconclusive
        (by_name(shakes(), tenant2=refuses), {"tenant2": "unknown"}),
        (by_name(shakes(), tenant2=shakes(version="TLSv1.2")), {}),  # clean, but not the same result
        (shakes(then=Failure(Phase.QUIT, FailureKind.TIMEOUT)), {}),  # the same result, but not clean
        (shakes(OTHER_LEAF), dict.fromkeys(("tenant1", "tenant2", "tenant3", "tenant4", "tenant5"), "broken")),
    ],
)
async def test_after_a_sample_that_disagrees_all_hosts_are_probed(behave: Behaviour, daneof: dict[str, str]) -> None:
    world, found = await examined(group(*NAMES), behave)
    assert set(probed(world)) == set(NAMES)
    assert sources(found) == {}
    verdicts = {name.partition(".")[0]: str(result.record.verdict.dane) for name, result in found.items()}
    assert verdicts == dict.fromkeys(verdicts, "protected") | daneof


async def test_a_fault_outside_the_sample_is_not_seen() -> None:
    """This is the price of the option: a sample cannot show a fault of another host."""
    world, found = await examined(group(*NAMES), by_name(shakes(), tenant3=shakes(OTHER_LEAF)))
    assert probed(world) == list(NAMES[:2])
    assert found[NAMES[2]].record.verdict.dane == "protected"
    assert Reason.INFERRED_FROM_SAMPLE in found[NAMES[2]].record.verdict.reasons


@pytest.mark.parametrize(
    "more",
    [
        group("last.test", at=V4B),  # other addresses
        group("last.test", records=(OK_RECORD, pki.tlsa(3, 1, 2, pki.LEAF))),  # other records
        group("last.test") | addresses("last.test", V4, security=Security.INSECURE),  # no TLSA records are used
        group("last.test") | tlsa("last.test"),  # no records
        group("last.test") | rows(fakes.failed("last.test", "AAAA")),  # the addresses are not all known
    ],
)
async def test_a_host_of_another_group_is_probed(more: dict[Question, Answer]) -> None:
    names = (*NAMES[:3], "last.test")
    world, found = await examined(group(*NAMES[:3]) | more, shakes(), names=names)
    assert len(world.net.calls) == 3
    assert set(sources(found)) == {NAMES[2]}


async def test_records_behind_an_alias_are_those_of_its_target() -> None:
    """The TLSA names of the hosts are aliases of one name, as at a hoster (RFC 7671 section 7)."""
    dns = group(*NAMES)
    for name in NAMES:
        records = (fakes.rdata(OK_RECORD),)
        dns |= rows(answer(f"_25._tcp.{name}", "TLSA", *records, alias_of="_dane.hoster.test"))
    world, found = await examined(dns, shakes())
    assert (len(world.net.calls), len(sources(found))) == (2, 3)


async def test_a_trust_anchor_record_requires_the_name_of_the_host() -> None:
    """RFC 7672 section 3.1.2: with usage 2, the certificate must contain a reference identifier of the host."""
    names = (*NAMES[:3], "last.test", "odd.test")
    dns = group(*names, records=(TA_RECORD,))
    world, found = await examined(dns, shakes(COVERING, pki.INTER, pki.ROOT), names=names)
    assert set(sources(found)) == {NAMES[2], "last.test"}
    assert set(probed(world)) == {*NAMES[:2], "odd.test"}
    assert found["odd.test"].record.verdict.dane == "broken"  # seen by its own probe
    assert found["last.test"].record.verdict.dane == "protected"


async def test_with_mta_sts_the_certificate_must_contain_the_name_of_the_host() -> None:
    """RFC 8461 section 4.2: the certificate of the lab is for another name, which usage 3 permits."""
    dns = group(*NAMES) | {(f"_mta-sts.d.{name}", "TXT"): fakes.nothing(f"_mta-sts.d.{name}", "TXT") for name in NAMES}
    dns |= {(f"_smtp._tls.d.{name}", "TXT"): fakes.nothing(f"_smtp._tls.d.{name}", "TXT") for name in NAMES}
    world, found = await examined(dns, shakes(), replace(TWO, sts=True))
    assert (set(probed(world)), sources(found)) == (set(NAMES), {})


async def test_a_cancelled_host_of_the_sample_is_replaced(autojump_clock: trio.testing.MockClock) -> None:
    assert autojump_clock is not None
    world = World(group(*NAMES), {V4: shakes()}, seconds=5)
    examiner = Examiner(world.ports(replace(TWO, sni_sample=1)))
    found: dict[str, DomainResult] = {}

    async def one(name: str, seconds: float) -> None:
        with trio.move_on_after(seconds):
            found[name] = await examiner.examine(target(f"d.{name}"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(one, NAMES[0], 1.0)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(one, NAMES[1], 60.0)
        nursery.start_soon(one, NAMES[2], 60.0)
    assert len(found) == 2
    assert len(sources(found)) == 1


async def test_an_error_of_mxsweep_in_the_sample_is_an_error_of_its_host_only() -> None:
    def broken(_: Endpoint) -> ProbeResult:
        raise ZeroDivisionError("of all things")

    world, found = await examined(group(*NAMES), by_name(shakes(), tenant1=broken))
    assert found[NAMES[0]].record.verdict.reasons == (Reason.INTERNAL,)
    assert len(sources(found)) == 2
    assert NAMES[0] not in sources(found)
    assert set(sources(found).values()) == {f"{NAMES[1]}:25/smtp"}
    assert len(set(probed(world))) == 3


def _key(name: str) -> HostKey:
    return HostKey(name, 25, Mode.SMTP)


async def _alone(*, keeps: bool, again: bool) -> tuple[list[str], list[dict[str, str] | None]]:
    """Examine the hosts without an examiner of domains; return the probed names and the members ``inferred``."""
    world, kept = World(group(*NAMES), {V4: shakes()}), dict[HostKey, HostResult]()
    examiner = HostExaminer(world.ports(TWO), kept.get if keeps else lambda _: None)
    for name in NAMES:
        result = await examiner.examine(_key(name), HostDomains(DomainSlots(16)), again=again)
        await result.complete(Slices())
        kept[_key(name)] = result
    return probed(world), [result.report.inferred for result in kept.values()]


@pytest.mark.parametrize(
    ("keeps", "again", "count"),
    [
        (True, False, 2),
        (False, False, 5),  # a result that is neither in memory nor in the run cannot be given to another host
        (True, True, 5),  # a host that an earlier pass examined is always probed
    ],
)
async def test_a_result_has_to_be_known_and_a_host_new(keeps: bool, again: bool, count: int) -> None:  # noqa: FBT001 - table
    names, inferred = await _alone(keeps=keeps, again=again)
    assert names == list(NAMES[:count])
    assert [each is not None for each in inferred] == [False] * count + [True] * (5 - count)


async def test_a_stored_result_of_the_sample_is_used() -> None:
    stored: dict[HostKey, HostResult] = {}
    world = World(group(*NAMES), {V4: shakes()})
    examiner = HostExaminer(world.ports(replace(TWO, sni_sample=1)), stored.get)
    first = await examiner.examine(_key(NAMES[0]), HostDomains(DomainSlots(16)))
    await first.complete(Slices())
    stored[_key(NAMES[0])] = HostResult.of_report(first.report, first.certs)
    second = await examiner.examine(_key(NAMES[1]), HostDomains(DomainSlots(16)))
    await second.complete(Slices())
    assert second.report.inferred == {"from": str(_key(NAMES[0]))}
    assert (second.report.endpoints, second.certs) == (first.report.endpoints, first.certs)


async def test_a_group_that_is_dropped_gets_another_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "GROUPS", 1)
    order = (NAMES[0], "last.test", NAMES[1], NAMES[2])
    dns = group(*NAMES) | group("last.test", at=V4B)
    world, found = await examined(dns, shakes(), replace(TWO, sni_sample=1), names=order)
    assert probed(world) == [NAMES[0], "last.test", NAMES[1]]
    assert sources(found) == {NAMES[2]: f"{NAMES[1]}:25/smtp"}


async def test_the_certificates_of_an_unfinished_report_are_compared() -> None:
    """Between its probe and its report, a host of the sample has only the octets of its certificates."""
    world = World(group(*NAMES, records=(TA_RECORD,)), {V4: shakes(COVERING, pki.INTER, pki.ROOT)})
    kept: dict[HostKey, HostResult] = {}
    examiner = HostExaminer(world.ports(replace(TWO, sni_sample=1)), kept.get)
    kept[_key(NAMES[0])] = await examiner.examine(_key(NAMES[0]), HostDomains(DomainSlots(16)))
    assert not kept[_key(NAMES[0])].has_report
    second = await examiner.examine(_key(NAMES[1]), HostDomains(DomainSlots(16)))
    await second.complete(Slices())
    assert second.report.inferred is not None
    assert second.report.endpoints[0].dane is not None
    assert (second.report.tlsa.dane, kept[_key(NAMES[0])].has_report) == (None, True)
