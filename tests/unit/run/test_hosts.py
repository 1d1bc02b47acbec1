"""The examination of one host: what is asked, who is called how often, and when something is looked at twice."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
import trio

from scanner.facts import Answer, Endpoint
from scanner.reasons import Reason
from scanner.run.host_result import HostKey, HostResult
from scanner.run.hosts import HostExaminer
from scanner.settings import Settings
from scanner.vocabulary import Dane, FailureKind, Family, Level, Mode, Phase, Security
from targets.scope import Exclusions, Scope
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
TLSA_NAME = f"_25._tcp.{MX1}"
SIGNED = host(MX1, V4, records=[OK_RECORD])
(MATCHING,) = fakes.tlsa(MX1, OK_RECORD).values()
(DIFFERENT,) = fakes.tlsa(MX1, WRONG_RECORD).values()
OTHER_LEAF = pki.Plan(pki.name("other.test"), pki.key("other"), pki.INTER, sans=pki.dns("other.test")).make()
NEW_LEAF = pki.Plan(pki.name(MX1), pki.key("new"), pki.INTER, sans=pki.dns(MX1)).make()
(ROLLED,) = fakes.tlsa(MX1, pki.tlsa(3, 1, 1, NEW_LEAF)).values()
TA_RECORD = pki.tlsa(2, 0, 1, pki.ROOT)


async def examine(
    dns: fakes.Table, servers: Mapping[str, Behaviour | Sequence[Behaviour]], settings: Settings | None = None
) -> tuple[World, HostResult]:
    world = World(dns, servers)
    return world, await look(world, settings)


async def look(world: World, settings: Settings | None = None, name: str = MX1) -> HostResult:
    result = await HostExaminer(world.ports(settings or Settings())).examine(HostKey(name, 25, Mode.SMTP))
    world.check()
    return result


def profiles(world: World) -> list[str]:
    return [endpoint.profile for endpoint in world.net.calls]


# --- whom to call ---------------------------------------------------------------------------------------------


async def test_addresses_stand_in_the_order_of_family_and_octets() -> None:
    found = ["192.0.2.10", "192.0.2.9", "2001:db8::10", "2001:db8::9"]
    _, result = await examine(host(MX1, *found), dict.fromkeys(found, shakes()))
    assert [end.address for end in result.report.endpoints] == [
        "192.0.2.9",
        "192.0.2.10",
        "2001:db8::9",
        "2001:db8::10",
    ]


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


@pytest.mark.parametrize(
    ("what", "world", "settings", "called", "skipped"),
    [
        (
            "special-purpose",
            World(host(MX1, V4, "9.9.9.9"), {"9.9.9.9": shakes()}, Scope()),
            Settings(),
            ["9.9.9.9"],
            {V4: "address-not-public"},
        ),
        (
            "opted out by name",
            World(host(MX1, V4, V6), {}, Scope(allow_private=True, exclusions=Exclusions(names={MX1: "l 1"}))),
            Settings(),
            [],
            {V4: "opted-out", V6: "opted-out"},
        ),
        (
            "no route",
            World(host(MX1, V4, V6), {V4: shakes()}, unrouted=(V6,)),
            Settings(),
            [V4],
            {V6: "no-route"},
        ),
        (
            "limit",
            World(host(MX1, V4, V4B, V6), {V4: shakes()}),
            Settings(addresses=1),
            [V4],
            {V4B: "address-limit", V6: "address-limit"},
        ),
        (
            "skipped ones do not use up the limit",
            World(host(MX1, V4, "9.9.9.9"), {"9.9.9.9": shakes()}, Scope()),
            Settings(addresses=1),
            ["9.9.9.9"],
            {V4: "address-not-public"},
        ),
        (
            "IPv4 only",
            World(host(MX1, V4, V6), {V4: shakes()}),
            Settings(family=Family.IPV4),
            [V4],
            {V6: "family-excluded"},
        ),
        (
            "only the other family",
            World(host(MX1, V6), {}),
            Settings(family=Family.IPV4),
            [],
            {V6: "family-excluded"},
        ),
    ],
)
async def test_addresses_that_are_skipped(
    what: str, world: World, settings: Settings, called: list[str], skipped: dict[str, str]
) -> None:
    report = (await look(world, settings)).report
    assert [call.address for call in world.net.calls] == called
    assert {each.address: str(each.reason) for each in report.skipped} == skipped


async def test_a_host_of_the_other_family_is_no_missing_host() -> None:
    world = World(mx() | host(MX1, V6), {})
    verdict = (await world.examine(settings=Settings(family=Family.IPV4))).record.verdict
    assert (verdict.outcome, verdict.sender, verdict.dane) == ("inconclusive", "unknown", "unknown")


@pytest.mark.parametrize(
    ("servers", "called"),
    [
        ({V4: refuses, V4B: shakes()}, [V4, V4B]),
        ({V4: fails(Phase.GREETING, FailureKind.REJECTED, 554)}, [V4]),  # it was connected: for good
        ({V4: refuses, V4B: refuses, V6: refuses}, [V4, V4B, V6]),
    ],
)
async def test_first_answer_stops_at_the_first_connection(servers: dict[str, Behaviour], called: list[str]) -> None:
    world, result = await examine(host(MX1, V4, V4B, V6), servers, Settings(first_answer=True))
    assert [call.address for call in world.net.calls] == called
    assert [end.address for end in result.report.endpoints] == called


async def test_first_answer_leaves_the_other_hosts_alone() -> None:
    dns = mx(f"10 {MX1}", f"20 {MX2}") | host(MX1, V4, records=[WRONG_RECORD])  # no answers for MX2: it is not asked
    record = (await World(dns, {V4: shakes()}).examine(settings=Settings(first_answer=True))).record
    assert [(each.host, each.report is None, each.sender) for each in record.hosts] == [
        (MX1, False, "defer"),
        (MX2, True, "unknown"),
    ]
    assert (record.verdict.sender, record.verdict.outcome) == ("unknown", "inconclusive")  # MX2 might have delivered


# --- how often ------------------------------------------------------------------------------------------------


async def test_each_endpoint_is_probed_once_however_many_hosts_lead_to_it() -> None:
    names = [f"vanity{number}.test" for number in range(10)]
    world = World({question: a for name in names for question, a in host(name, V4).items()}, {V4: shakes()})
    ports = world.ports(Settings())
    examiner = HostExaminer(ports)
    async with trio.open_nursery() as askers:
        for name in names:
            askers.start_soon(examiner.examine, HostKey(name, 25, Mode.SMTP))
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
        ("dane", fails(Phase.HANDSHAKE, FailureKind.TLS), "authenticated opportunistic-classical"),
        ("dane", fails(Phase.HANDSHAKE, FailureKind.CLOSED), "authenticated opportunistic-classical"),
        ("dane", fails(Phase.HANDSHAKE, FailureKind.RESET), "authenticated opportunistic-classical"),
        ("dane", fails(Phase.HANDSHAKE, FailureKind.TIMEOUT), "authenticated opportunistic-classical"),
        ("secure", fails(Phase.HANDSHAKE, FailureKind.TLS), "authenticated opportunistic-classical"),
        ("may", shakes(), "opportunistic"),
        ("encrypt", fails(Phase.HANDSHAKE, FailureKind.TLS), "opportunistic"),
    ],
)
async def test_the_second_profile_is_for_broken_authenticated_handshakes(
    level: str, server: Behaviour, expected: str
) -> None:
    world, _ = await examine(host(MX1, V4), {V4: server}, Settings(level=Level(level)))
    assert " ".join(profiles(world)) == expected


# --- twice before an accusation -------------------------------------------------------------------------------


def turning(*answers: Answer) -> dict[fakes.Question, Answer | Sequence[Answer]]:
    """The signed host with TLSA answers in turn."""
    return {**mx(), **addresses(MX1, V4, V4B), (TLSA_NAME, "TLSA"): answers}


@pytest.mark.parametrize(
    ("what", "answers", "servers", "dane", "calls"),
    [
        ("all in order", [MATCHING], {V4: shakes(), V4B: shakes()}, "ok", 2),
        ("wrong for good", [DIFFERENT], {V4: shakes(), V4B: shakes()}, "mismatch", 4),
        ("records caught up", [DIFFERENT, MATCHING], {V4: shakes(), V4B: shakes()}, "ok", 4),
        ("the server caught up", [MATCHING], {V4: [shakes(NEW_LEAF), shakes()], V4B: shakes()}, "ok", 3),
        ("only the accused is asked again", [MATCHING], {V4: shakes(NEW_LEAF), V4B: shakes()}, "mismatch", 3),
        (
            "all are asked again where the records changed",
            [MATCHING, ROLLED],
            {V4: shakes(NEW_LEAF), V4B: [shakes(), shakes(NEW_LEAF)]},
            "ok",
            4,
        ),
        ("the second visit fails", [MATCHING], {V4: [shakes(NEW_LEAF), refuses], V4B: shakes()}, "ok", 3),
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


async def test_a_rollover_that_moves_the_records_moves_the_name_asked_for() -> None:
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


def test_endpoints_of_one_address_are_told_apart_at_a_glance() -> None:
    """A provider has thousands of MX names on one address; with one hash, each look-up would go through them all."""
    names = [f"domain{number}.mx.test" for number in range(1000)]
    assert len({hash(Endpoint(V4, 25, name, Mode.SMTP, "opportunistic")) for name in names}) > 990


async def test_the_second_reading_is_shared_with_nobody() -> None:
    dns = host(MX1, V4, records=[WRONG_RECORD])
    world = World(dns, {V4: shakes()})
    examiner = HostExaminer(world.ports(Settings()))
    for _ in range(2):
        await examiner.examine(HostKey(MX1, 25, Mode.SMTP))
    assert len(world.net.calls) == 3  # one that both share, and a fresh one each


# --- the name asked for ---------------------------------------------------------------------------------------

UNUSABLE_DATA = replace(OK_RECORD, matching_type=3)
UNUSABLE_USAGE = pki.tlsa(1, 1, 1, pki.LEAF)
INSECURE = Security.INSECURE
ALIAS = addresses(MX1, V4, alias_of=REAL)


@pytest.mark.parametrize(
    ("what", "dns", "sni", "expected"),
    [
        ("records: the base domain", SIGNED, "auto", MX1),
        ("no records: none, as Postfix", host(MX1, V4), "auto", None),
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


async def test_tlsa_is_asked_for_at_the_port() -> None:
    found = fakes.answer(f"_2525._tcp.{DOMAIN}", "TLSA", fakes.rdata(OK_RECORD))
    world = World(addresses(DOMAIN, V4) | rows(found), {V4: by_profile(authenticated=shakes(), easier=refuses)})
    result = await world.examine(f"[{DOMAIN}]:2525")
    assert [(call.port, call.sni) for call in world.net.calls] == [(2525, DOMAIN)]
    assert result.record.verdict.dane == "protected"
