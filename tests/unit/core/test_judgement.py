"""From facts to evidence to verdicts for one host."""

from dataclasses import replace
from typing import Any

import pytest

from scanner.core import judgement, rollup
from scanner.core.pkix import TrustStore
from scanner.facts import Answer, TLSALookup, TLSARecord
from scanner.model import EndpointReport, HostReport, Route, RouteHost
from scanner.reasons import Reason
from scanner.vocabulary import Dane, Level, Outcome, Security
from tests.unit import pki, records

HOST = "mx1.example"
SECURE = records.answer(HOST, "A", "192.0.2.1")
INSECURE = records.answer(HOST, "AAAA", "2001:db8::1", security=Security.INSECURE)
ABSENT = records.answer(HOST, "AAAA", outcome=Outcome.NODATA)
FAILED = records.answer(HOST, "AAAA", outcome=Outcome.ERROR, security=Security.INDETERMINATE)


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        ([], (Dane.INSECURE, Reason.HOST_INSECURE)),  # an address literal has no TLSA base domain
        ([ABSENT, ABSENT], (Dane.NONE, None)),
        ([ABSENT, FAILED], (Dane.LOOKUP_FAILED, None)),
        ([SECURE, INSECURE], (Dane.INSECURE, Reason.HOST_INSECURE)),  # as secure as its least secure family
        ([SECURE, ABSENT], ("_25._tcp.mx1.example", "TLSA")),
        ([SECURE, FAILED], ("_25._tcp.mx1.example", "TLSA")),  # judged on the family that has an answer
    ],
)
def test_the_search_for_tlsa_records_follows_from_the_addresses(
    addresses: list[Answer], expected: tuple[object, object]
) -> None:  # RFC 7672 section 2.2.2
    step = judgement.tlsa_step(HOST, 25, addresses, [])
    assert ((step.dane, step.reason) if isinstance(step, TLSALookup) else step) == expected


def test_without_usable_records_there_is_no_evidence() -> None:
    report = records.report()
    (end, _) = report.endpoints
    none = TLSALookup(HOST, (), Dane.NONE, Reason.TLSA_NONE)
    assert judgement.with_dane(end, [records.cert()], none, records.NOON).dane is None
    found = judgement.with_dane(end, [records.cert()], report.tlsa, records.NOON).dane
    assert found is not None
    assert (found.record, found.depth) == (records.MATCHING, 0)


# --- shared verdicts --------------------------------------------------------------------------------------------

LEAF = replace(pki.LEAF_PLAN, sans=pki.dns("named.test", "*.wild.test")).make()
CHAIN = pki.chain(LEAF, pki.INTER)
CERTS = {cert.sha256: cert for cert in CHAIN}
TRUST = TrustStore.from_pem(pki.ROOT.pem)


def _observed(pin: TLSARecord | None) -> HostReport:
    shaken = records.handshake(chain=tuple(cert.sha256 for cert in CHAIN))
    end = EndpointReport("192.0.2.1", (records.probe(handshake=shaken, started=pki.NOW),))
    lookup = TLSALookup(HOST, (pin,), None, None) if pin else TLSALookup(HOST, (), Dane.NONE, Reason.TLSA_NONE)
    end = judgement.with_pkix(judgement.with_dane(end, CHAIN, lookup, pki.NOW), CHAIN, TRUST, pki.NOW)
    return records.report(host=HOST, tlsa=lookup, endpoints=(end,))


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize(
    "pin",
    [None, pki.tlsa(3, 1, 1, LEAF), pki.tlsa(3, 1, 1, LEAF, wrong=True), pki.tlsa(2, 1, 1, pki.INTER)],
    ids=["none", "3 1 1", "wrong", "2 1 1"],
)
def test_a_shared_verdict_is_the_verdict_for_each_domain(level: Level, pin: TLSARecord | None) -> None:
    """Expected: ``judge_host``, which knows one domain only. RFC 7672 section 3.2.2: names count for DANE-TA(2)."""
    report = _observed(pin)
    verdicts = judgement.HostVerdicts(report, CERTS)
    keys = []
    for name in ("a.test", "named.test", "b.test", "x.wild.test", HOST, "wild.test", "a.test"):
        for security in (Security.SECURE, Security.INSECURE):
            for preference in (10, 20):
                hop = RouteHost(HOST, preference)
                mx = records.answer(name, "MX", f"{preference} {HOST}", security=security)
                way = records.route(HOST, mx=mx, names=(name,))
                expected = judgement.judge_host(level, name, way, hop, report, CERTS)
                key = verdicts.key(level, name, way, hop)
                assert verdicts.get(key) in (None, expected)
                verdicts.keep(key, expected)
                keys.append(key)
    assert None not in keys[:4]
    assert keys[4:8] == [None] * 4
    assert keys[8:12] == keys[16:20] == keys[:4]
    assert keys[12:16] == [None] * 4


def test_the_kept_verdicts_of_a_host_are_bounded_by_their_addresses() -> None:
    (end,) = _observed(None).endpoints
    mx = records.answer("a.test", "MX", f"10 {HOST}")
    for addresses, kept in ((1, judgement.VERDICTS), (16, 4), (judgement.VERDICTS + 1, 0)):
        report = replace(_observed(None), endpoints=(end,) * addresses)
        verdicts = judgement.HostVerdicts(report, CERTS)
        hops = [RouteHost(HOST, preference) for preference in range(kept)]
        keys = [verdicts.key(Level.DANE, "a.test", records.route(HOST, mx=mx), hop) for hop in hops]
        found = records.host_verdict(host=HOST)
        for key in keys:
            verdicts.keep(key, found)
        assert [verdicts.get(key) for key in keys] == [found] * kept
        verdicts.keep((Level.DANE, RouteHost(HOST, kept), None), found)
        assert [verdicts.get(key) for key in keys] == [None] * kept


def test_no_verdict_is_shared_if_the_certificates_have_many_names() -> None:
    """A server may send 32,000 names at each of its addresses; a comparison takes one step of the event loop."""
    names = tuple(f"n{number}.test" for number in range(judgement.NAMES))
    way = records.route(HOST, mx=records.answer("a.test", "MX", f"10 {HOST}"))
    hop = RouteHost(HOST, 10)
    kinds: list[dict[str, Any]] = [{"dns_names": names}, {"dns_names": (), "odd_names": (), "subject_cns": names}]
    for many in kinds:
        certs = {digest: replace(cert, **many) for digest, cert in CERTS.items()}
        assert judgement.HostVerdicts(_observed(None), certs).key(Level.DANE, "a.test", way, hop) is None
    assert judgement.HostVerdicts(_observed(None), CERTS).key(Level.DANE, "a.test", way, hop) is not None


def test_an_alias_of_the_domain_may_be_named_in_the_certificate() -> None:
    way = records.route(HOST, mx=records.answer("a.test", "MX", f"10 {HOST}"), names=("a.test", "named.test"))
    verdicts = judgement.HostVerdicts(_observed(None), CERTS)
    assert verdicts.key(Level.SECURE, "a.test", way, RouteHost(HOST, 10)) is None


def _way(name: str, security: Security = Security.SECURE, **members: Any) -> Route:
    mx = records.answer(name, "MX", f"10 {HOST}", security=security)
    return records.route(HOST, mx=mx, names=(name,), **members)


WAYS = (
    _way("a.test"),
    _way("a.test", Security.INSECURE, reasons=(Reason.MX_INSECURE,)),
    _way("a.test", Security.INDETERMINATE),
    _way("a.test", final=Reason.MX_LOOKUP_FAILED, text="timeout"),
    _way("a.test", final=Reason.NULL_MX),
    records.route(HOST, reasons=(Reason.IMPLICIT_MX,)),
)


def test_a_shared_domain_verdict_is_the_verdict_for_each_domain() -> None:
    """Expected: ``rollup.judge_domain``, which knows one domain only."""
    good, bad = records.host_verdict(host=HOST), records.host_verdict(host=HOST, dane=Dane.MISMATCH)
    verdicts = judgement.HostVerdicts(_observed(None), CERTS)
    for _ in range(2):
        for level in (Level.DANE, Level.MAY):
            for way in WAYS:
                for hosts in ((good,), (bad,), (good, bad), (bad, good)):
                    expected = rollup.judge_domain(level, way, hosts)
                    assert verdicts.domain(level, way, hosts) == expected
                    other = replace(way, names=("b.test",), mx=way.mx and replace(way.mx, name="b.test"))
                    assert verdicts.domain(level, other, hosts) == expected


@pytest.mark.parametrize(("addresses", "kept"), [(1, True), (judgement.VERDICTS, False)])
def test_a_domain_verdict_is_kept_unless_its_hosts_have_very_many_addresses(addresses: int, kept: bool) -> None:  # noqa: FBT001 - a case
    host = records.host_verdict(host=HOST)
    hosts = (replace(host, endpoints=host.endpoints[:1] * addresses),)
    verdicts = judgement.HostVerdicts(_observed(None), CERTS)
    found = verdicts.domain(Level.DANE, WAYS[0], hosts)
    assert (verdicts.domain(Level.DANE, WAYS[0], hosts) is found) is kept
