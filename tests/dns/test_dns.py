"""DNS failures with real servers: the exact answer, and the verdict.

The servers are knot (and ``odd``, which spoils what knot says), the resolvers unbound. What is expected follows from
RFC 4033 section 5 (security), RFC 2308 (negatives), RFC 7672 section 2.1 (no failure is a denial), and from the zones
in ``world``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.dns import world as dnsworld
from tests.dns.world import KEY_DIGEST, MORTAL, PLAIN, REFUSING, REMOTE, STRIPPING, VALIDATING, DNSWorld

pytestmark = pytest.mark.lab

PATIENCE = {"attempt": 1.5, "total": 3.0}
"""Seconds, fewer than unbound takes to give a silent server up (about 20)."""

TLSA = f"030101{KEY_DIGEST}"
Found = dict[str, Any]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DNSWorld]:
    directory = tmp_path_factory.mktemp("dns")
    with dnsworld.world(directory) as here:
        yield here


@dataclass(frozen=True)
class ResolverRow:
    """A question and what has to come of it; ``aliases`` are the security of each hop."""

    name: str
    rtype: str
    outcome: str
    security: str
    rcode: str = "NOERROR"
    records: tuple[str, ...] = ()
    error: str = ""
    aliases: tuple[str, ...] = ()
    ede: tuple[int, ...] = ()


def row_of(answer: Found) -> ResolverRow:
    """The same members of an answer."""
    return ResolverRow(
        answer["name"],
        answer["rtype"],
        answer["outcome"],
        answer["security"],
        answer["rcode"],
        tuple(answer["records"]),
        answer["error"],
        tuple(alias["security"] for alias in answer["aliases"]),
        tuple(error["code"] for error in answer["ede"]),
    )


def data(name: str, rtype: str, *records: str, security: str = "secure", aliases: tuple[str, ...] = ()) -> ResolverRow:
    return ResolverRow(name, rtype, "data", security, records=records, aliases=aliases)


def mx(domain: str, security: str = "secure") -> ResolverRow:
    return data(domain, "MX", f"10 mx.{domain}", security=security)


def bogus(name: str, rtype: str, code: int, why: str) -> ResolverRow:
    return ResolverRow(name, rtype, "error", "bogus", "SERVFAIL", error=f"DNSSEC validation failed: {why}", ede=(code,))


def broken(name: str, rtype: str) -> ResolverRow:
    return ResolverRow(name, rtype, "error", "indeterminate", "SERVFAIL", error="SERVFAIL")


def silent(name: str, rtype: str) -> ResolverRow:
    return ResolverRow(name, rtype, "error", "indeterminate", "", error="timeout")


def denied(name: str, rtype: str, security: str = "secure", aliases: tuple[str, ...] = ()) -> ResolverRow:
    return ResolverRow(name, rtype, "nxdomain", security, "NXDOMAIN", aliases=aliases)


S, I = "secure", "insecure"  # noqa: E741 - of hops

ANSWERS = (
    mx("good.test"),
    mx("good3.test"),
    mx("unsigned.test", "insecure"),
    mx("child.optout.test", "insecure"),  # an insecure delegation in an opt-out span
    # denial
    ResolverRow("mx.good.test", "AAAA", "nodata", "secure"),
    ResolverRow("mx.good3.test", "AAAA", "nodata", "secure"),
    ResolverRow("mx.unsigned.test", "AAAA", "nodata", "insecure"),
    denied("nothing.good.test", "A"),
    denied("nothing.good3.test", "A"),
    denied("nothing.unsigned.test", "A", "insecure"),
    denied("nothing.optout.test", "A", "insecure"),  # RFC 5155 section 9.2: opt-out proves nothing, AD is clear
    denied("_25._tcp.mx.plain.test", "TLSA"),
    denied("_25._tcp.mx.plain3.test", "TLSA"),
    denied("_25._tcp.mx.optout.test", "TLSA", "insecure"),
    # bogus: a bad signature, one that ran out, a DS of another key, no key at all
    bogus("badsig.test", "MX", 6, "EDE 6 (DNSSEC Bogus)"),
    bogus("_25._tcp.mx.badtlsa.test", "TLSA", 6, "EDE 6 (DNSSEC Bogus)"),
    bogus("mx.bada.test", "A", 6, "EDE 6 (DNSSEC Bogus)"),
    bogus("expired.test", "MX", 9, "EDE 9 (DNSKEY Missing)"),
    bogus("wrongds.test", "MX", 9, "EDE 9 (DNSKEY Missing)"),
    bogus("nokey.test", "MX", 9, "EDE 9 (DNSKEY Missing)"),
    # aliases
    data("one.alias.test", "A", "10.99.0.1", aliases=(S, S)),
    data("into.alias.test", "A", "10.99.0.1", security="insecure", aliases=(S,)),
    data("mixed.alias.test", "A", "10.99.0.1", security="insecure", aliases=(S, I)),
    data("out.unsigned.test", "A", "10.99.0.1", security="insecure", aliases=(I,)),
    data("mx.tree.alias.test", "A", "10.99.0.1", aliases=(S,)),
    data("mx.tree.unsigned.test", "A", "10.99.0.1", security="insecure", aliases=(I,)),
    data("_25._tcp.mx.tree.alias.test", "TLSA", TLSA, aliases=(S,)),
    data("domain.alias.test", "MX", "10 mx.good.test", aliases=(S,)),
    denied("gone.alias.test", "A", aliases=(S,)),
    bogus("bad.alias.test", "A", 6, "EDE 6 (DNSSEC Bogus)"),
    broken("ring.alias.test", "A"),
    # servers
    broken("lame.test", "MX"),
    broken("upward.test", "MX"),
    silent("mute.test", "MX"),
    silent("garbage.test", "MX"),
    mx("halfdead.test"),
    mx("halflame.test"),
    mx("tc.test"),
    mx("formerr.test", "insecure"),
    bogus("formerr-signed.test", "MX", 9, "EDE 9 (DNSKEY Missing)"),  # no EDNS, no signatures
    silent("drop.test", "MX"),
    silent("drop-signed.test", "MX"),
    data("_25._tcp.mx.big.test", "TLSA", *sorted([*(f"030101{n:064x}" for n in range(99)), TLSA])),
)


@pytest.fixture(scope="module")
def answers(world: DNSWorld) -> dict[tuple[str, str], Found]:
    asks = [(row.name, row.rtype) for row in ANSWERS]
    found = world.ask(servers=[[VALIDATING, 53]], asks=asks, **PATIENCE)["answers"]
    return {(answer["name"], answer["rtype"]): answer for answer in found}


@pytest.mark.parametrize("row", ANSWERS, ids=lambda row: f"{row.name}-{row.rtype}")
def test_the_exact_answer(answers: dict[tuple[str, str], Found], row: ResolverRow) -> None:
    answer = answers[row.name, row.rtype]
    assert row_of(answer) == row
    assert answer["resolver"] == f"{VALIDATING}:53"
    assert (answer["ttl"] > 0) == (row.outcome != "error")
    assert answer["ttl"] <= 60  # the zones' own


# (domain, outcome, dane, reasons of the domain), at level dane with a mail server that is as good as can be
OK, FAIL, UNSURE = "ok", "fail", "inconclusive"
VERDICTS = (
    ("good.test", OK, "protected", ()),
    ("good3.test", OK, "protected", ()),
    ("big.test", OK, "protected", ()),
    ("tc.test", OK, "protected", ()),
    ("halfdead.test", OK, "protected", ()),
    ("halflame.test", OK, "protected", ()),
    ("domain.alias.test", OK, "protected", ()),
    ("plain.test", OK, "none", ("tlsa-none",)),
    ("plain3.test", OK, "none", ("tlsa-none",)),
    ("optout.test", OK, "none", ("tlsa-none",)),
    ("unsigned.test", OK, "insecure", ("mx-insecure", "host-insecure")),
    ("child.optout.test", OK, "insecure", ("mx-insecure", "host-insecure")),
    ("formerr.test", OK, "insecure", ("mx-insecure", "host-insecure")),
    ("badsig.test", FAIL, "lookup_failed", ("mx-bogus", "level-not-met")),
    ("expired.test", FAIL, "lookup_failed", ("mx-bogus", "level-not-met")),
    ("wrongds.test", FAIL, "lookup_failed", ("mx-bogus", "level-not-met")),
    ("nokey.test", FAIL, "lookup_failed", ("mx-bogus", "level-not-met")),
    ("formerr-signed.test", FAIL, "lookup_failed", ("mx-bogus", "level-not-met")),
    ("badtlsa.test", FAIL, "unknown", ("tlsa-bogus", "level-not-met")),
    ("bada.test", FAIL, "unknown", ("address-bogus", "level-not-met")),
    ("lame.test", UNSURE, "lookup_failed", ("mx-lookup-failed",)),
    ("upward.test", UNSURE, "lookup_failed", ("mx-lookup-failed",)),
    ("mute.test", UNSURE, "lookup_failed", ("mx-lookup-failed",)),
    ("garbage.test", UNSURE, "lookup_failed", ("mx-lookup-failed",)),
    ("drop.test", UNSURE, "lookup_failed", ("mx-lookup-failed",)),
    ("drop-signed.test", UNSURE, "lookup_failed", ("mx-lookup-failed",)),
)


@pytest.fixture(scope="module")
def records(world: DNSWorld) -> dict[str, Found]:
    return examined(world, VALIDATING, *(row[0] for row in VERDICTS))


def examined(world: DNSWorld, resolver: str, *domains: str, **more: Any) -> dict[str, Found]:
    found = world.ask(servers=[[resolver, 53]], domains=domains, **PATIENCE, **more)["records"]
    return {record["key"]: record for record in found}


@pytest.mark.parametrize(("domain", "outcome", "dane", "reasons"), VERDICTS)
def test_the_verdict(records: dict[str, Found], domain: str, outcome: str, dane: str, reasons: tuple[str, ...]) -> None:
    verdict = records[domain]["verdict"]
    assert (verdict["outcome"], verdict["dane"], tuple(verdict["reasons"])) == (outcome, dane, reasons)


SAYS_NO = {
    "tlsa-none",
    "tlsa-insecure",
    "null-mx",
    "implicit-mx",
    "no-address",
    "nxdomain",
    "mx-insecure",
    "host-insecure",
}
"""Reasons that claim to know of something that it is not there, or not signed."""


@pytest.mark.parametrize("domain", [row[0] for row in VERDICTS if row[1] != OK])
def test_no_failure_becomes_a_no(records: dict[str, Found], domain: str) -> None:
    record = records[domain]
    hosts = {reason for host in record["hosts"] for reason in host["reasons"]}
    assert SAYS_NO & (hosts | set(record["verdict"]["reasons"])) == set()
    assert record["verdict"]["dane"] not in ("none", "insecure", "no_mail")
    assert record["verdict"]["sender"] == "defer"


# --- resolvers ------------------------------------------------------------------------------------------------


def test_a_resolver_that_refuses(world: DNSWorld) -> None:
    found = world.ask(servers=[[REFUSING, 53]], asks=[["good.test", "MX"]], domains=["good.test"], **PATIENCE)
    (answer,), (record,) = found["answers"], found["records"]
    assert (answer["outcome"], answer["security"], answer["rcode"]) == ("error", "indeterminate", "REFUSED")
    assert (record["verdict"]["outcome"], record["verdict"]["reasons"]) == (UNSURE, ["mx-lookup-failed"])


def test_one_that_refuses_beside_one_that_works(world: DNSWorld) -> None:
    found = world.ask(servers=[[REFUSING, 53], [VALIDATING, 53]], asks=[["good.test", "MX"]], **PATIENCE)["answers"]
    assert (found[0]["security"], found[0]["resolver"]) == ("secure", f"{VALIDATING}:53")


def test_a_resolver_that_is_not_on_loopback_proves_nothing(world: DNSWorld) -> None:
    asks = [["good.test", "MX"], ["plain.test", "MX"], ["badsig.test", "MX"]]
    found = world.ask(servers=[[REMOTE, 53]], asks=asks, domains=["good.test", "plain.test", "badsig.test"], **PATIENCE)
    assert [answer["security"] for answer in found["answers"]] == ["indeterminate"] * 3
    assert [record["verdict"]["outcome"] for record in found["records"]] == [UNSURE] * 3
    assert [record["verdict"]["dane"] for record in found["records"]] == ["unknown", "unknown", "lookup_failed"]


def test_it_does_where_it_is_trusted(world: DNSWorld) -> None:
    records = examined(world, REMOTE, "good.test", "badsig.test", trust=True)
    assert records["good.test"]["verdict"]["dane"] == "protected"
    assert records["badsig.test"]["verdict"]["reasons"] == ["mx-bogus", "level-not-met"]


@pytest.mark.parametrize("resolver", [PLAIN, STRIPPING])
def test_one_on_loopback_that_does_not_validate_is_told_from_one_that_does(world: DNSWorld, resolver: str) -> None:
    """Its answers look like those of an insecure world: that is what the preflight, with these two names, is for."""
    asks = [["good.test", "MX"], ["badsig.test", "MX"]]
    good, bad = world.ask(servers=[[resolver, 53]], asks=asks, **PATIENCE)["answers"]
    assert (good["outcome"], good["security"]) == ("data", "insecure")
    assert (bad["outcome"], bad["security"]) == (("data", "insecure") if resolver == PLAIN else ("error", "bogus"))


def test_a_second_one_that_does_not_validate_overrules_nothing(world: DNSWorld) -> None:
    servers = [[VALIDATING, 53], [PLAIN, 53]]
    (answer,) = world.ask(servers=servers, asks=[["badsig.test", "MX"]], **PATIENCE)["answers"]
    assert (answer["outcome"], answer["security"], answer["resolver"]) == ("error", "bogus", f"{VALIDATING}:53")


def test_a_second_opinion_is_written_down_and_decides_nothing(world: DNSWorld) -> None:
    found = world.ask(
        servers=[[VALIDATING, 53]],
        confirm=[[PLAIN, 53]],
        asks=[["badsig.test", "MX"], ["good.test", "MX"], ["lame.test", "MX"]],
        domains=["badsig.test"],
        **PATIENCE,
    )
    bad, good, lame = found["answers"]
    told = {"resolver": f"{PLAIN}:53", "outcome": "data", "security": "insecure", "rcode": "NOERROR", "error": ""}
    assert bad["second"] == told | {"disagrees": True}
    assert (bad["outcome"], bad["security"], good["second"]) == ("error", "bogus", None)
    assert (lame["second"]["outcome"], lame["second"]["disagrees"]) == ("error", False)
    assert found["records"][0]["verdict"]["reasons"] == ["mx-bogus", "level-not-met"]


def test_a_resolver_that_dies_in_mid_scan(world: DNSWorld) -> None:
    """What it said stands; from then on nothing is known, and nothing is denied."""
    before = examined(world, MORTAL, "good.test")["good.test"]["verdict"]
    world.end(MORTAL)
    after = examined(world, MORTAL, "good.test", "plain.test", "unsigned.test", "nosuch.test")
    assert before["dane"] == "protected"
    for record in after.values():
        assert (record["verdict"]["outcome"], record["verdict"]["dane"]) == (UNSURE, "lookup_failed")
        assert record["verdict"]["reasons"] == ["mx-lookup-failed"]
        assert record["route"]["mx"]["error"] == "Connection refused"


def test_another_one_takes_over_when_it_dies(world: DNSWorld) -> None:
    servers = [[MORTAL, 53], [VALIDATING, 53]]  # dead since the test before, or at the latest now
    world.end(MORTAL)
    (record,) = world.ask(servers=servers, domains=["good.test"], **PATIENCE)["records"]
    assert record["verdict"]["dane"] == "protected"
