"""A run as flat tables: domains, routes (pairs of domain and MX host), hosts, endpoints and certificates.

The members of a row are columns for spreadsheets, data frames and SQL. A list is stored as text with a blank between
two items; names and codes contain no blanks. Times are UTC. The files of the run contain all details.

The domains of each host are counted during the iteration over the rows of ``domains``, which therefore has to end
before the rows of ``hosts`` are read. Memory grows with the number of hosts.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, get_type_hints

from results.store.reader import Run
from scanner.core.providers import provider_of
from scanner.core.tlsa import presentation
from scanner.core.verdict import sessions
from scanner.facts import Answer, CertFacts, Failure, Handshake
from scanner.model import DomainRecord, EndpointReport, HostReport, HostVerdict
from scanner.reasons import Reason
from scanner.vocabulary import Dane, worst


@dataclass(frozen=True, slots=True)
class DomainRow:
    """A domain. ``all_reasons`` contains the reasons of the domain, of its MX hosts and of the hosts' addresses."""

    domain: str
    outcome: str
    sender: str
    dane: str
    starttls: str
    level: str
    reasons: str
    all_reasons: str
    tlsrpt: str
    text: str
    mx_outcome: str
    mx_security: str
    mx_hosts: int
    provider: str
    rank: int | None
    source: str
    line: int
    raw: str
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class RouteRow:
    """A pair of a domain and one of its MX hosts, with the verdict of the host for this domain.

    ``host_key`` is null if the host was not examined.
    """

    domain: str
    host_key: str | None
    host: str
    preference: int
    dane: str
    starttls: str
    sender: str
    votes: bool
    conclusive: bool
    reasons: str
    text: str


@dataclass(frozen=True, slots=True)
class HostRow:
    """An MX host.

    ``dane`` is the host's most severe verdict for any domain. ``tlsa`` is ``usable``, or the verdict that follows from
    DNS answers alone.
    """

    host_key: str
    host: str
    port: int
    mode: str
    provider: str
    domains: int
    dane: str
    tlsa: str
    tlsa_reason: str
    tlsa_base_domain: str
    tlsa_records: str
    a_outcome: str
    a_security: str
    aaaa_outcome: str
    aaaa_security: str
    addresses: int
    skipped: int
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """An address of an MX host, with its representative probe. The evidence columns do not consider names."""

    host_key: str
    host: str
    address: str
    family: int
    started: datetime
    ms: float
    probes: int
    starttls: str
    tls_version: str | None
    cipher: str | None
    tls_group: str | None
    signature: str | None
    sni: str | None
    leaf: str | None
    chain: str
    tlsa_matched: bool | None
    tlsa_depth: int | None
    tlsa_record: str | None
    pkix_trusted: bool | None
    pkix_error: str
    banner: str
    failure_phase: str | None
    failure_kind: str | None
    failure_code: int | None
    failure_text: str
    defects: str


@dataclass(frozen=True, slots=True)
class CertRow:
    """A certificate."""

    sha256: str
    spki_sha256: str
    subject: str
    issuer: str
    issuer_cn: str
    dns_names: str
    not_before: datetime | None
    not_after: datetime | None
    key_type: str
    key_bits: int
    curve: str
    signature_algorithm: str
    is_ca: bool | None
    self_issued: bool
    parse_error: str


ROWS: dict[str, type] = {
    "domains": DomainRow,
    "routes": RouteRow,
    "hosts": HostRow,
    "endpoints": EndpointRow,
    "certs": CertRow,
}
"""The row class of each table, in the order in which ``Flattener`` yields the tables."""


def columns(kind: type) -> dict[str, type]:
    """Return the columns of a row class with their types: str, int, float, bool or datetime."""
    hints = get_type_hints(kind)
    return {field.name: _plain(hints[field.name]) for field in fields(kind)}


def _plain(hint: Any) -> type:
    """Return the annotated type without ``| None``."""
    parts: tuple[type, ...] = getattr(hint, "__args__", (hint,))
    return next(part for part in parts if part is not type(None))


def values(row: Any) -> tuple[Any, ...]:
    """Return the cells of a row in the order of its columns."""
    return tuple(getattr(row, field.name) for field in fields(row))


class Flattener:
    """Generator of the tables of a run, one table after the other in the order of ``ROWS``."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._domains_of: Counter[str] = Counter()
        self._dane_of: dict[str, Dane] = {}

    def tables(self) -> Iterator[tuple[str, Iterator[Any]]]:
        """Yield the name and the rows of each table. The rows have to be exhausted before the next table is requested.

        Raises:
            StoreError: a file of the run cannot be read.
        """
        makers: dict[str, Callable[[], Iterator[Any]]] = {
            "domains": self._domains,
            "routes": self._routes,
            "hosts": lambda: map(self._host, self._run.hosts()),
            "endpoints": lambda: (
                endpoint_row(report, each) for report in self._run.hosts() for each in report.endpoints
            ),
            "certs": lambda: map(cert_row, self._run.certs()),
        }
        for name in ROWS:
            yield name, makers[name]()

    def _domains(self) -> Iterator[DomainRow]:
        for record in self._run.domains():
            for host in record.hosts:
                if host.report is not None:
                    self._domains_of[host.report] += 1
                    self._dane_of[host.report] = worst(self._dane_of.get(host.report, host.dane), host.dane)
            yield domain_row(record)

    def _routes(self) -> Iterator[RouteRow]:
        return (route_row(record.key, host) for record in self._run.domains() for host in record.hosts)

    def _host(self, report: HostReport) -> HostRow:
        return host_row(report, self._domains_of[report.key], self._dane_of.get(report.key))


def all_reasons(record: DomainRecord) -> tuple[Reason, ...]:
    """Return the distinct reasons in the verdicts of a domain, of its MX hosts and of the hosts' addresses."""
    found = list(record.verdict.reasons)
    for host in record.hosts:
        found += host.reasons
        found += (reason for endpoint in host.endpoints for reason in endpoint.reasons)
    return tuple(dict.fromkeys(found))


def domain_row(record: DomainRecord) -> DomainRow:
    """Return the row of a domain."""
    verdict, mx, target = record.verdict, record.route.mx, record.target
    return DomainRow(
        domain=record.key,
        outcome=verdict.outcome,
        sender=verdict.sender,
        dane=verdict.dane,
        starttls=verdict.starttls,
        level=verdict.level,
        reasons=" ".join(verdict.reasons),
        all_reasons=" ".join(all_reasons(record)),
        tlsrpt=" ".join(verdict.tlsrpt),
        text=verdict.text,
        mx_outcome=mx.outcome if mx else "",
        mx_security=mx.security if mx else "",
        mx_hosts=len(record.route.hosts),
        provider=provider_of(record.route.hosts[0].host) if record.route.hosts else "",
        rank=target.rank,
        source=target.source,
        line=target.line,
        raw=target.raw,
        observed_at=record.observed_at,
    )


def route_row(domain: str, host: HostVerdict) -> RouteRow:
    """Return the row of a pair of a domain and one of its MX hosts."""
    return RouteRow(
        domain=domain,
        host_key=host.report,
        host=host.host,
        preference=host.preference,
        dane=host.dane,
        starttls=host.starttls,
        sender=host.sender,
        votes=host.votes,
        conclusive=host.conclusive,
        reasons=" ".join(dict.fromkeys((*host.reasons, *(r for each in host.endpoints for r in each.reasons)))),
        text=host.text,
    )


def host_row(report: HostReport, domains: int, dane: Dane | None) -> HostRow:
    """Return the row of a host.

    Args:
        report: the host's report.
        domains: the number of domains that use the host.
        dane: the host's most severe verdict for any domain; None if no domain uses the host.
    """
    lookup = report.tlsa
    return HostRow(
        host_key=report.key,
        host=report.host,
        port=report.port,
        mode=report.mode,
        provider=provider_of(report.host),
        domains=domains,
        dane=dane or "",
        tlsa=lookup.dane or "usable",
        tlsa_reason=lookup.reason or "",
        tlsa_base_domain=lookup.base_domain,
        tlsa_records="; ".join(map(presentation, lookup.records)),
        a_outcome=_outcome(report.a),
        a_security=_security(report.a),
        aaaa_outcome=_outcome(report.aaaa),
        aaaa_security=_security(report.aaaa),
        addresses=len(report.endpoints),
        skipped=len(report.skipped),
        observed_at=report.observed_at,
    )


def endpoint_row(report: HostReport, endpoint: EndpointReport) -> EndpointRow:
    """Return the row of an address of a host."""
    parts = sessions(endpoint)
    shown, evidence = parts.shown, endpoint.dane
    matched = evidence.record if evidence else None
    return EndpointRow(
        host_key=report.key,
        host=report.host,
        address=endpoint.address,
        family=6 if ":" in endpoint.address else 4,
        started=shown.started,
        ms=round(sum(sum(probe.ms.values()) for probe in endpoint.probes), 3),
        probes=len(endpoint.probes),
        starttls=shown.starttls,
        **_session(shown.handshake),
        tlsa_matched=evidence.matched if evidence else None,
        tlsa_depth=evidence.depth if matched and evidence else None,
        tlsa_record=presentation(matched) if matched else None,
        pkix_trusted=not endpoint.pkix.errors if endpoint.pkix else None,
        pkix_error=endpoint.pkix.errors[0].text if endpoint.pkix and endpoint.pkix.errors else "",
        banner=" ".join(shown.banner.lines) if shown.banner else "",
        **_failure(parts.own.failure),
        defects=" ".join(shown.defects),
    )


def _session(handshake: Handshake | None) -> dict[str, Any]:
    return {
        "tls_version": handshake and handshake.version,
        "cipher": handshake and handshake.cipher,
        "tls_group": handshake and handshake.group,
        "signature": handshake and handshake.signature,
        "sni": handshake and handshake.sni,
        "leaf": handshake.chain[0] if handshake and handshake.chain else None,
        "chain": " ".join(handshake.chain) if handshake else "",
    }


def _failure(failure: Failure | None) -> dict[str, Any]:
    return {
        "failure_phase": failure and failure.phase,
        "failure_kind": failure and failure.kind,
        "failure_code": failure and failure.code,
        "failure_text": failure.text if failure else "",
    }


def cert_row(cert: CertFacts) -> CertRow:
    """Return the row of a certificate."""
    return CertRow(
        sha256=cert.sha256,
        spki_sha256=cert.spki_sha256,
        subject=cert.subject,
        issuer=cert.issuer,
        issuer_cn=cert.issuer_cn,
        dns_names=" ".join(cert.dns_names),
        not_before=cert.not_before,
        not_after=cert.not_after,
        key_type=cert.key_type,
        key_bits=cert.key_bits,
        curve=cert.curve,
        signature_algorithm=cert.signature_algorithm,
        is_ca=cert.is_ca,
        self_issued=cert.self_issued,
        parse_error=cert.parse_error,
    )


def _outcome(answer: Answer | None) -> str:
    return answer.outcome if answer else ""


def _security(answer: Answer | None) -> str:
    return answer.security if answer else ""
