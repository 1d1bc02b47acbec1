"""Realistic records with parts that a test can replace: ``domain(key="b.example", hosts=())``."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from scanner.facts import Answer, CertFacts, Endpoint, Failure, Handshake, Probe, Reply, TLSALookup, TLSARecord
from scanner.model import (
    DaneEvidence,
    DomainRecord,
    DomainVerdict,
    EndpointReport,
    EndpointVerdict,
    HostReport,
    HostVerdict,
    InputSource,
    PkixEvidence,
    RejectRecord,
    Route,
    RouteHost,
    RunHeader,
    Skipped,
    Status,
    TargetInfo,
)
from scanner.reasons import Reason
from scanner.vocabulary import (
    Dane,
    DomainDane,
    DomainOutcome,
    DomainStartTLS,
    FailureKind,
    Level,
    Mode,
    Outcome,
    Phase,
    Pkix,
    RunState,
    Security,
    Sender,
    StartTLS,
    TLSState,
)
from scanner.worker_status import Vantage

NOON = datetime(2026, 9, 1, 12, 0, 0, 250_000, UTC)
DIGEST = "a1" * 32
ISSUER_DIGEST = "b2" * 32
SPKI = "c3" * 32
MATCHING = TLSARecord(3, 1, 1, SPKI)


def cert(**parts: Any) -> CertFacts:
    """Make a leaf certificate."""
    whole = CertFacts(
        sha256=DIGEST,
        sha512="a1" * 64,
        spki_sha256=SPKI,
        spki_sha512="c3" * 64,
        der=b"0\x82\x00\xff",
        subject="/CN=mx1.example",
        issuer="/O=Authority/CN=Issuing CA",
        subject_cns=("mx1.example",),
        issuer_cn="Issuing CA",
        dns_names=("mx1.example", "mx2.example"),
        not_before=datetime(2026, 7, 1, tzinfo=UTC),
        not_after=datetime(2026, 9, 29, 23, 59, 59, tzinfo=UTC),
        key_type="ec",
        key_bits=256,
        signature_algorithm="sha256WithRSAEncryption",
        is_ca=False,
        ext_key_usage=("serverAuth",),
    )
    return replace(whole, **parts)


def answer(name: str = "mx1.example", rtype: str = "A", *records: str, **parts: Any) -> Answer:
    """Make a secure answer."""
    whole = Answer(name, rtype, Outcome.DATA, Security.SECURE, records, rname=name, rcode="NOERROR", ttl=300, ms=1.5)
    return replace(whole, **parts)


def handshake(**parts: Any) -> Handshake:
    """Make a TLS 1.3 handshake."""
    whole = Handshake("TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, 256, "X25519MLKEM768", None, "mx1.example", (DIGEST,))
    return replace(whole, **parts)


def probe(address: str = "192.0.2.1", **parts: Any) -> Probe:
    """Make a probe that went well."""
    whole = Probe(
        endpoint=Endpoint(address, 25, "mx1.example", Mode.SMTP, "authenticated"),
        started=NOON,
        ms={"connect": 10.5, "greeting": 20.0, "ehlo": 5.0, "starttls": 4.5, "handshake": 30.0},
        starttls=StartTLS.OFFERED,
        banner=Reply(220, ("mx1.example ESMTP",)),
        ehlo=Reply(250, ("mx1.example", "STARTTLS")),
        keywords=("STARTTLS",),
        starttls_reply=Reply(220, ("2.0.0 Ready",)),
        handshake=handshake(),
        ehlo_tls=Reply(250, ("mx1.example",)),
        transcript=("< 220 mx1.example ESMTP", "> EHLO scan.example"),
    )
    return replace(whole, **parts)


def refused(address: str = "2001:db8::1") -> Probe:
    """Make a probe whose connection was refused."""
    failure = Failure(Phase.CONNECT, FailureKind.REFUSED, 111, "Connection refused")
    ends = Endpoint(address, 25, "mx1.example", Mode.SMTP, "authenticated")
    return Probe(ends, NOON, {"connect": 3.0}, StartTLS.UNKNOWN, failure=failure)


def evidence(**parts: Any) -> DaneEvidence:
    """Make evidence of a match at the leaf."""
    return replace(DaneEvidence(MATCHING, 0, bare_key=False, needs_name=False, path=(DIGEST,)), **parts)


def report(**parts: Any) -> HostReport:
    """Make a report of a host whose IPv4 address matches and whose IPv6 address refuses."""
    whole = HostReport(
        key="mx1.example:25:smtp",
        host="mx1.example",
        port=25,
        mode=Mode.SMTP,
        a=answer("mx1.example", "A", "192.0.2.1"),
        aaaa=answer("mx1.example", "AAAA", "2001:db8::1", "2001:db8::2"),
        tlsa=TLSALookup("mx1.example", (MATCHING,), dane=None, reason=None),
        endpoints=(
            EndpointReport("192.0.2.1", (probe(),), evidence(), PkixEvidence((DIGEST, ISSUER_DIGEST))),
            EndpointReport("2001:db8::1", (refused(),)),
        ),
        skipped=(Skipped("2001:db8::2", Reason.ADDRESS_LIMIT),),
        observed_at=NOON,
    )
    return replace(whole, **parts)


def endpoint_verdict(**parts: Any) -> EndpointVerdict:
    """Make the verdict of an address that is verified."""
    whole = EndpointVerdict(
        "192.0.2.1",
        TLSState.VERIFIED,
        Dane.OK,
        Pkix.TRUSTED,
        StartTLS.OFFERED,
        Sender.VERIFIED,
        name_match=("mx", "base"),
    )
    return replace(whole, **parts)


def unreached(address: str = "2001:db8::1") -> EndpointVerdict:
    """Make the verdict of an address that refused."""
    return EndpointVerdict(
        address,
        TLSState.UNKNOWN,
        Dane.UNKNOWN,
        Pkix.UNKNOWN,
        StartTLS.UNKNOWN,
        Sender.DEFER,
        reasons=(Reason.CONNECTION_REFUSED,),
        text="Connection refused",
    )


def host_verdict(**parts: Any) -> HostVerdict:
    """Make the verdict of a host that is verified by its IPv4 address."""
    whole = HostVerdict(
        host="mx1.example",
        preference=10,
        report="mx1.example:25:smtp",
        dane=Dane.OK,
        starttls=DomainStartTLS.ALL,
        sender=Sender.VERIFIED,
        votes=True,
        conclusive=True,
        endpoints=(endpoint_verdict(), unreached()),
        reasons=(Reason.SOME_ADDRESSES_UNREACHABLE,),
    )
    return replace(whole, **parts)


def verdict(**parts: Any) -> DomainVerdict:
    """Make the verdict of a protected domain."""
    whole = DomainVerdict(DomainOutcome.OK, Sender.VERIFIED, DomainDane.PROTECTED, DomainStartTLS.ALL, Level.DANE)
    return replace(whole, **parts)


def route(*hosts: str, **parts: Any) -> Route:
    """Make a route from a secure MX RRset; preferences are 10, 20, and so on."""
    names = hosts or ("mx1.example",)
    ranked = tuple(RouteHost(name, 10 * place) for place, name in enumerate(names, 1))
    records = tuple(f"{host.preference} {host.host}" for host in ranked)
    return replace(Route(ranked, answer("a.example", "MX", *records), ("a.example",)), **parts)


def domain(**parts: Any) -> DomainRecord:
    """Make the record of a protected domain with one host."""
    whole = DomainRecord(
        key="a.example",
        target=TargetInfo("A.example", "list.csv", 7, 1234, {"country": "nl"}),
        route=route(),
        hosts=(host_verdict(),),
        verdict=verdict(),
        observed_at=NOON,
    )
    return replace(whole, **parts)


def reject(**parts: Any) -> RejectRecord:
    """Make a rejected input line."""
    return replace(RejectRecord("list.csv:9", "list.csv", 9, "not a domain", "not-a-domain"), **parts)


def status(**parts: Any) -> Status:
    """Make the status of a scan that has just begun."""
    whole = Status(
        at=NOON,
        state=RunState.RUNNING,
        elapsed=0.0,
        total=None,
        done=0,
        rate=0.0,
        eta=None,
        in_flight={"dns": 0, "gates": 0, "connect": 0, "closing": 0},
        endpoints_probed=0,
        endpoints_shared=0,
        shared_ratio=None,
        breakers=0,
        held_back=(),
        retrying=0,
        waiting="",
        rss=0,
        rejects=0,
        internal_errors=0,
        outcome={},
        dane={},
    )
    return replace(whole, **parts)


def header(**parts: Any) -> RunHeader:
    """Make the header of a run that has just begun."""
    whole = RunHeader(
        version="0.1.0",
        started=NOON,
        state=RunState.RUNNING,
        settings={"level": "dane", "caps": {"total": 512}},
        resolver="127.0.0.1:53",
        ehlo="scan.example",
        vantage=Vantage("scan.example", ("198.51.100.7",)),
        input=(InputSource("list.csv", "d4" * 32, 9),),
    )
    return replace(whole, **parts)
