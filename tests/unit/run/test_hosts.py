"""The examination of one host: lookups, probes of its addresses, and the second reading before a mismatch."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
import trio

from scanner.core import judgement
from scanner.facts import Answer, Endpoint, TLSARecord
from scanner.model import EndpointReport
from scanner.net import heavy_work
from scanner.reasons import Reason
from scanner.run import evidence
from scanner.run.domain_slots import DomainSlots, HostDomains
from scanner.run.host_result import HostKey, HostResult
from scanner.run.hosts import HostExaminer
from scanner.run.slices import Slices
from scanner.settings import Settings
from scanner.vocabulary import Dane, FailureKind, Family, Level, Mode, Phase, Security
from tests.unit import fakes, pki
from tests.unit.fakes import (
    DOMAIN,
    MX1,
    MX2,
    OK_RECORD,
    V4,
    V4B,
    V6,
    WRONG_RECORD,
    Behaviour,
    World,
    addresses,
    breaks_handshake,
    by_profile,
    fails,
    host,
    mx,
    no_starttls,
    refuses,
    rows,
    shakes,
    tlsa,
)

REAL = "real.secure.test"
ALL_THREE = "authenticated authenticated-classical opportunistic-classical"
TLSA_NAME = f"_25._tcp.{MX1}"
SIGNED = host(MX1, V4, records=[OK_RECORD])
(MATCHING,) = fakes.tlsa(MX1, OK_RECORD).values()
(DIFFERENT,) = fakes.tlsa(MX1, WRONG_RECORD).values()
OTHER_LEAF = pki.Plan(pki.name("other.test"), pki.key("other"), pki.INTER, sans=pki.dns("other.test")).make()
NEW_LEAF = pki.Plan(pki.name(MX1), pki.key("new"), pki.INTER, sans=pki.dns(MX1)).make()
(ROLLED,) = fakes.tlsa(MX1, pki.tlsa(3, 1, 1, NEW_LEAF)).values()
TA_RECORD = pki.tlsa(2, 0, 1, pki.ROOT)


def alone() -> HostDomains:
    """Return one domain that waits for a host."""
    return HostDomains(DomainSlots(16))


async def examine(
    dns: fakes.Table, servers: Mapping[str, Behaviour | Sequence[Behaviour]], settings: Settings | None = None
) -> tuple[World, HostResult]:
    world = World(dns, servers)
    return world, await look(world, settings)


async def look(world: World, settings: Settings | None = None, name: str = MX1) -> HostResult:
    examiner = HostExaminer(world.ports(settings or Settings()))
    result = await examiner.examine(HostKey(name, 25, Mode.SMTP), alone())
    world.check()
    await result.complete(Slices())
    return result


def profiles(world: World) -> list[str]:
    return [endpoint.profile for endpoint in world.net.calls]


# --- addresses ------------------------------------------------------------------------------------------------


async def test_a_host_that_is_an_address_is_not_looked_up() -> None:
    world = World({}, {V4: shakes()})
    report = (await look(world, name=V4)).report
    assert (report.a, report.aaaa, report.tlsa.dane, report.tlsa.reason) == (
        None,
        None,
        Dane.INSECURE,
        Reason.HOST_INSECURE,
    )
    assert [(call.address, call.sni) for call in world.net.calls] == [(V4, None)]


async def test_skipped_addresses_are_recorded_and_not_probed() -> None:
    world = World(host(MX1, V4, V4B, V6), {V4: shakes()}, unrouted=(V6,))
    report = (await look(world, Settings(addresses=1))).report
    assert [call.address for call in world.net.calls] == [end.address for end in report.endpoints] == [V4]
    assert {each.address: str(each.reason) for each in report.skipped} == {V4B: "address-limit", V6: "no-route"}


async def test_a_host_of_the_other_family_is_no_missing_host() -> None:
    world = World(mx() | host(MX1, V6), {})
    verdict = (await world.examine(settings=Settings(family=Family.IPV4))).record.verdict
    assert (verdict.outcome, verdict.sender, verdict.dane) == ("inconclusive", "unknown", "unknown")


@pytest.mark.parametrize(
    ("servers", "called"),
    [
        ({V4: refuses, V4B: shakes()}, [V4, V4B]),
        ({V4: fails(Phase.GREETING, FailureKind.REJECTED, 554)}, [V4]),  # it accepted the connection
        ({V4: refuses, V4B: refuses, V6: refuses}, [V4, V4B, V6]),
    ],
)
async def test_first_answer_stops_at_the_first_connection(servers: dict[str, Behaviour], called: list[str]) -> None:
    world, result = await examine(host(MX1, V4, V4B, V6), servers, Settings(first_answer=True))
    assert [call.address for call in world.net.calls] == called
    assert [end.address for end in result.report.endpoints] == called


async def test_first_answer_does_not_examine_the_other_hosts() -> None:
    dns = mx(f"10 {MX1}", f"20 {MX2}") | host(MX1, V4, records=[WRONG_RECORD])  # MX2 is in no table
    record = (await World(dns, {V4: shakes()}).examine(settings=Settings(first_answer=True))).record
    assert [(each.host, each.report is None, each.sender) for each in record.hosts] == [
        (MX1, False, "defer"),
        (MX2, True, "unknown"),
    ]
    assert (record.verdict.sender, record.verdict.outcome) == ("unknown", "inconclusive")  # MX2 might have delivered


# --- how often ------------------------------------------------------------------------------------------------


async def test_each_endpoint_is_probed_once_for_all_hosts_that_have_it() -> None:
    names = [f"vanity{number}.test" for number in range(10)]
    world = World({question: a for name in names for question, a in host(name, V4).items()}, {V4: shakes()})
    ports = world.ports(Settings())
    examiner = HostExaminer(ports)
    async with trio.open_nursery() as askers:
        for name in names:
            askers.start_soon(examiner.examine, HostKey(name, 25, Mode.SMTP), alone())
    assert world.net.calls == [Endpoint(V4, 25, None, Mode.SMTP, "authenticated")]
    assert ports.stats.endpoints_shared == 9


@pytest.mark.parametrize(
    ("level", "server", "expected"),
    [
        ("dane", shakes(), "authenticated"),
        ("dane", no_starttls, "authenticated"),
        ("dane", refuses, "authenticated"),
        ("dane", fails(Phase.GREETING, FailureKind.TIMEOUT), "authenticated"),
        ("dane", fails(Phase.STARTTLS, FailureKind.CLOSED), "authenticated"),
        ("dane", fails(Phase.EHLO_TLS, FailureKind.CLOSED), "authenticated"),
        ("dane", fails(Phase.HANDSHAKE, FailureKind.TOO_LONG), "authenticated"),
        ("dane", fails(Phase.HANDSHAKE, FailureKind.RESOURCES), "authenticated"),
        (
            "dane",
            fails(Phase.HANDSHAKE, FailureKind.TLS),
            ALL_THREE,
        ),
        (
            "dane",
            fails(Phase.HANDSHAKE, FailureKind.CLOSED),
            ALL_THREE,
        ),
        (
            "dane",
            fails(Phase.HANDSHAKE, FailureKind.RESET),
            ALL_THREE,
        ),
        (
            "dane",
            fails(Phase.HANDSHAKE, FailureKind.TIMEOUT),
            ALL_THREE,
        ),
        (
            "secure",
            fails(Phase.HANDSHAKE, FailureKind.TLS),
            ALL_THREE,
        ),
        ("may", shakes(), "opportunistic"),
        ("encrypt", fails(Phase.HANDSHAKE, FailureKind.TLS), "opportunistic opportunistic-classical"),
        (
            "dane",
            by_profile(authenticated=breaks_handshake, classical=shakes(), easier=no_starttls),
            "authenticated authenticated-classical",
        ),
        (
            "dane",
            by_profile(authenticated=breaks_handshake, classical=refuses, easier=shakes()),
            "authenticated authenticated-classical",
        ),
    ],
)
async def test_the_next_profile_is_for_a_failed_handshake(level: str, server: Behaviour, expected: str) -> None:
    world, _ = await examine(host(MX1, V4), {V4: server}, Settings(level=Level(level)))
    assert " ".join(profiles(world)) == expected


# --- second reading of a mismatch -----------------------------------------------------------------------------


def turning(*answers: Answer) -> dict[fakes.Question, Answer | Sequence[Answer]]:
    """The tables of a signed host whose TLSA answers change."""
    return {**mx(), **addresses(MX1, V4, V4B), (TLSA_NAME, "TLSA"): answers}


@pytest.mark.parametrize(
    ("what", "answers", "servers", "dane", "calls"),
    [
        ("match", [MATCHING], {V4: shakes(), V4B: shakes()}, "ok", 2),
        ("permanent mismatch", [DIFFERENT], {V4: shakes(), V4B: shakes()}, "mismatch", 4),
        ("new records in the second reading", [DIFFERENT, MATCHING], {V4: shakes(), V4B: shakes()}, "ok", 4),
        (
            "new leaf in the second reading",
            [MATCHING],
            {V4: [shakes(NEW_LEAF), shakes()], V4B: shakes()},
            "ok",
            3,
        ),
        ("only a mismatch is probed again", [MATCHING], {V4: shakes(NEW_LEAF), V4B: shakes()}, "mismatch", 3),
        (
            "all addresses are probed again if the records changed",
            [MATCHING, ROLLED],
            {V4: shakes(NEW_LEAF), V4B: [shakes(), shakes(NEW_LEAF)]},
            "ok",
            4,
        ),
        ("the second probe fails", [MATCHING], {V4: [shakes(NEW_LEAF), refuses], V4B: shakes()}, "ok", 3),
        ("no STARTTLS is no mismatch", [MATCHING], {V4: no_starttls, V4B: shakes()}, "no_tls", 2),
    ],
)
async def test_tlsa_and_handshake_are_read_twice_before_a_mismatch(
    what: str, answers: list[Answer], servers: dict[str, Behaviour | list[Behaviour]], dane: str, calls: int
) -> None:
    world = World(turning(*answers), servers)
    result = await world.examine()
    (one,) = result.record.hosts
    assert (one.dane, len(world.net.calls)) == (dane, calls)
    assert world.zone.asked[TLSA_NAME, "TLSA"] == (1 if calls == 2 else 2)
    probes = [probe for end in result.reports[0].endpoints for probe in end.probes]
    assert len(probes) == calls  # both readings are kept


async def test_a_mismatch_that_cannot_be_confirmed_is_unknown() -> None:
    world = World(turning(MATCHING), {V4: [shakes(NEW_LEAF), refuses], V4B: shakes()})
    (one,) = (await world.examine()).record.hosts
    assert [str(end.dane) for end in one.endpoints] == ["unknown", "ok"]


async def test_a_name_mismatch_is_confirmed_too() -> None:
    world, result = await examine(host(MX1, V4, records=[TA_RECORD]), {V4: shakes(OTHER_LEAF, pki.INTER, pki.ROOT)})
    assert (len(world.net.calls), len(result.report.endpoints[0].probes)) == (2, 2)


async def test_a_rollover_that_moves_the_records_changes_the_sni() -> None:
    (absent,) = tlsa(REAL).values()
    (present,) = tlsa(REAL, WRONG_RECORD).values()
    dns: dict[fakes.Question, Answer | Sequence[Answer]] = {
        **addresses(MX1, V4, alias_of=REAL),
        (f"_25._tcp.{REAL}", "TLSA"): [present, absent],
        (TLSA_NAME, "TLSA"): MATCHING,
    }
    world, result = await examine(dns, {V4: shakes()})
    assert [call.sni for call in world.net.calls] == [REAL, MX1]
    assert result.report.tlsa.base_domain == MX1
    assert result.report.endpoints[0].dane is not None
    assert result.report.endpoints[0].dane.matched


def test_endpoints_of_one_address_have_different_hashes() -> None:
    """A provider may have thousands of MX names on one address; equal hashes would make each lookup linear."""
    names = [f"domain{number}.mx.test" for number in range(1000)]
    assert len({hash(Endpoint(V4, 25, name, Mode.SMTP, "opportunistic")) for name in names}) > 990


async def test_the_second_reading_is_not_shared() -> None:
    dns = host(MX1, V4, records=[WRONG_RECORD])
    world = World(dns, {V4: shakes()})
    examiner = HostExaminer(world.ports(Settings()))
    for _ in range(2):
        await examiner.examine(HostKey(MX1, 25, Mode.SMTP), alone())
    assert len(world.net.calls) == 3  # one shared probe, and one fresh probe for each examination


# --- fresh lookups --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("record", "times"), [(OK_RECORD, 1), (WRONG_RECORD, 2)])
async def test_only_tlsa_lookups_bypass_the_cache(record: TLSARecord, times: int) -> None:
    """TLSA is looked up once more before a mismatch is recorded (RFC 7671 section 8.1)."""
    world = World(mx() | host(MX1, V4, records=[record]), {V4: shakes()})
    await world.examine()
    question = (TLSA_NAME, "TLSA")
    assert world.zone.asked_fresh[question] == world.zone.asked[question] == times
    assert +world.zone.asked_fresh == {question: times}


# --- SNI ----------------------------------------------------------------------------------------------------

UNUSABLE_DATA = replace(OK_RECORD, matching_type=3)
UNUSABLE_USAGE = pki.tlsa(1, 1, 1, pki.LEAF)
INSECURE = Security.INSECURE
ALIAS = addresses(MX1, V4, alias_of=REAL)


@pytest.mark.parametrize(
    ("what", "dns", "sni", "expected"),
    [
        ("records: the TLSA base domain", SIGNED, "auto", MX1),
        ("no records: none, as in Postfix", host(MX1, V4), "auto", None),
        ("records at the alias' target", ALIAS | tlsa(REAL, OK_RECORD), "auto", REAL),
        ("records at the alias", ALIAS | tlsa(REAL) | tlsa(MX1, OK_RECORD), "auto", MX1),
        ("records that OpenSSL refuses: as with records", host(MX1, V4, records=[UNUSABLE_DATA]), "auto", MX1),
        ("records that Postfix drops: as without", host(MX1, V4, records=[UNUSABLE_USAGE]), "auto", None),
        ("insecure host", addresses(MX1, V4, security=INSECURE), "auto", None),
        ("insecure records", addresses(MX1, V4) | tlsa(MX1, OK_RECORD, security=INSECURE), "auto", None),
        ("failed lookup", addresses(MX1, V4) | rows(fakes.failed(TLSA_NAME, "TLSA")), "auto", None),
        ("always the host", host(MX1, V4), "mx", MX1),
        ("never", SIGNED, "none", None),
    ],
)
async def test_server_name(what: str, dns: fakes.Table, sni: str, expected: str | None) -> None:
    world, _ = await examine(dns, {V4: shakes()}, Settings(sni=sni))
    assert [call.sni for call in world.net.calls] == [expected]


@pytest.mark.parametrize(
    ("level", "expected"),
    [("may", None), ("encrypt", None), ("verify", None), ("secure", None), ("dane", MX1), ("dane-only", MX1)],
)
async def test_server_name_at_each_level(level: str, expected: str | None) -> None:
    world, _ = await examine(SIGNED, {V4: shakes()}, Settings(level=Level(level)))
    assert [call.sni for call in world.net.calls] == [expected]


async def test_no_server_name_for_an_address() -> None:
    world = World({}, {V4: shakes()})
    await look(world, Settings(sni="mx"), name=V4)
    assert [call.sni for call in world.net.calls] == [None]


async def test_tlsa_is_looked_up_for_the_port() -> None:
    found = fakes.answer(f"_2525._tcp.{DOMAIN}", "TLSA", fakes.rdata(OK_RECORD))
    world = World(addresses(DOMAIN, V4) | rows(found), {V4: by_profile(authenticated=shakes(), easier=refuses)})
    result = await world.examine(f"[{DOMAIN}]:2525")
    assert [(call.port, call.sni) for call in world.net.calls] == [(2525, DOMAIN)]
    assert result.record.verdict.dane == "protected"


# --- heavy evidence -------------------------------------------------------------------------------------------


async def test_unusually_expensive_evidence_is_made_for_one_address_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hosts with many TLSA records get their evidence one after the other, and a pause for other domains follows."""
    monkeypatch.setattr(heavy_work, "PAUSE", 0)
    monkeypatch.setattr(heavy_work, "BUSY_PAUSE", 0)
    running, most = [0], [0]

    def with_dane(report: EndpointReport, *_: object) -> EndpointReport:
        running[0] += 1
        most[0] = max(most[0], running[0])
        time.sleep(0.01)  # in a thread: another thread could begin meanwhile
        running[0] -= 1
        return report

    monkeypatch.setattr(judgement, "with_dane", with_dane)
    many = [OK_RECORD, *(TLSARecord(2, 1, 1, f"{number:064x}") for number in range(evidence.HEAVY_RECORDS))]
    await examine(host(MX1, V4, V4B, V6, records=many), {V4: shakes(), V4B: shakes(), V6: shakes()})
    assert most == [1]
