"""Rows of the exported tables that Python computes: MX hosts, endpoints and the run itself.

Python computes the rows of hosts and endpoints, because rules of ``scanner.core`` determine the probe that represents
an address and the provider of a host. The module ``results.export.tables`` defines the columns.
"""

from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from results.export.rrsets import rrset, tlsa_rrset
from results.store.partial import Lean, lines
from results.store.reader import Run
from scanner.core.algorithms import algorithm_of
from scanner.core.providers import provider_of
from scanner.core.sampling import source_of
from scanner.core.tlsa import presentation
from scanner.core.verdict import sessions
from scanner.facts import Answer, CertFacts, Failure, Handshake
from scanner.model import DomainRecord, EndpointReport, HostReport, HostVerdict
from scanner.reasons import Reason
from scanner.vocabulary import Served, worst

PEM_WIDTH = 64  # number of characters in a line of PEM (RFC 7468 section 2)
REMEMBERED = 1 << 16  # maximum number of hosts whose provider is cached, because two tables need it

provider_of_host = lru_cache(REMEMBERED)(provider_of)
"""Return the provider of an MX host, from a larger cache than the cache of ``scanner.core.providers``."""


@dataclass(frozen=True, slots=True)
class RouteOf:
    """A pair of a domain and one of its MX hosts."""

    key: str
    host: HostVerdict


class HostRow(Lean, frozen=True):
    """The row of an MX host in the table ``hosts``.

    ``dane`` is the most severe DANE verdict that the host has for a domain. ``tlsa`` is ``usable``, or the DANE verdict
    that follows from the DNS answers alone.
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
    tlsa_records_list: tuple[str, ...]
    a_rrset: tuple[str, ...]
    aaaa_rrset: tuple[str, ...]
    tlsa_rrset: tuple[str, ...]
    inferred_from: str


class EndpointRow(Lean, frozen=True):
    """The row of an address of an MX host in the table ``endpoints``; of several probes, the one shown for the address.

    The columns ``tlsa_matched`` and ``pkix_trusted`` do not depend on the names in the certificate.
    """

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
    chain_list: tuple[str, ...]
    defects_list: tuple[str, ...]
    key_algorithm: str | None
    other_algorithms: str
    other_leaf: str | None
    other_tlsa_matched: bool | None
    pq: str | None
    pq_signature: str | None
    retried: bool | None


class RunRow(Lean, frozen=True):
    """The row of a run; ``directory`` is the path of the run directory as given by the user."""

    label: str
    state: str
    started: datetime
    finished: datetime | None
    version: str
    ehlo: str
    resolver: str
    directory: str


class HostUse(Lean, frozen=True):
    """Members of the verdict of an MX host that are needed to count the domains of the host."""

    report: str | None
    dane: str


class DomainUse(Lean, frozen=True):
    """The member of a domain record that contains the verdicts of its MX hosts."""

    hosts: tuple[HostUse, ...]


class TargetUse(Lean, frozen=True):
    """The member of a target (a destination of a scan) that contains the columns of the target list."""

    fields: dict[str, str] = msgspec.field(default_factory=dict)


class ListUse(Lean, frozen=True):
    """The member ``target`` of a domain record; the other members are not decoded."""

    target: TargetUse


def field_names(run: Run) -> set[str]:
    """Return the names of the columns of the target lists."""
    return {name for record in lines(run, "domains", ListUse) for name in record.target.fields}


def route_rows(run: Run) -> Iterator[RouteOf]:
    """Yield each pair of a domain and one of its MX hosts."""
    return (RouteOf(record.key, host) for record in run.domains() for host in record.hosts)


def host_rows(run: Run) -> Iterator[HostRow]:
    """Yield the row of each MX host, with the number of domains that use the host.

    The memory used grows with the number of hosts.
    """
    domains: Counter[str] = Counter()
    dane: dict[str, str] = {}
    for domain in lines(run, "domains", DomainUse):
        for host in domain.hosts:
            if host.report is not None:
                domains[host.report] += 1
                dane[host.report] = worst(dane.get(host.report, host.dane), host.dane)
    return (host_row(report, domains[report.key], dane.get(report.key, "")) for report in run.hosts())


def endpoint_rows(run: Run) -> Iterator[EndpointRow]:
    """Yield the row of each address of each MX host."""
    return (row for report in run.hosts() for row in endpoint_rows_of(report))


def endpoint_rows_of(report: HostReport) -> Iterator[EndpointRow]:
    """Yield the row of each address of one MX host."""
    return (endpoint_row(report, each) for each in report.endpoints)


def run_rows(run: Run) -> Iterator[RunRow]:
    """Yield the row of the table ``runs`` that describes the run."""
    header = run.header
    yield RunRow(
        label=header.label,
        state=header.state,
        started=header.started,
        finished=header.finished,
        version=header.version,
        ehlo=header.ehlo,
        resolver=header.resolver,
        directory=str(run.path).encode(errors="replace").decode(),
    )


def all_reasons(record: DomainRecord) -> tuple[Reason, ...]:
    """Return the distinct reasons in the verdicts of a domain, of its MX hosts and of the hosts' addresses."""
    found = list(record.verdict.reasons)
    for host in record.hosts:
        found += _reasons(host)
    return tuple(dict.fromkeys(found))


def host_reasons(route: RouteOf) -> tuple[Reason, ...]:
    """Return the distinct reasons in the verdicts of an MX host and of its addresses."""
    return tuple(dict.fromkeys(_reasons(route.host)))


def _reasons(host: HostVerdict) -> list[Reason]:
    return [*host.reasons, *(reason for endpoint in host.endpoints for reason in endpoint.reasons)]


def provider(record: DomainRecord) -> str:
    """Return the provider of the first MX host of a domain; empty if the domain has no MX host."""
    return provider_of_host(record.route.hosts[0].host) if record.route.hosts else ""


def host_row(report: HostReport, domains: int = 0, dane: str = "") -> HostRow:
    """Return the row of an MX host in the table ``hosts``.

    Args:
        report: the host's report.
        domains: the number of domains that use the host.
        dane: the most severe DANE verdict that the host has for a domain; empty if no domain uses the host.
    """
    lookup = report.tlsa
    records = tuple(map(presentation, lookup.records))
    return HostRow(
        host_key=report.key,
        host=report.host,
        port=report.port,
        mode=report.mode,
        provider=provider_of_host(report.host),
        domains=domains,
        dane=dane,
        tlsa=lookup.dane or "usable",
        tlsa_reason=lookup.reason or "",
        tlsa_base_domain=lookup.base_domain,
        tlsa_records="; ".join(records),
        a_outcome=_outcome(report.a),
        a_security=_security(report.a),
        aaaa_outcome=_outcome(report.aaaa),
        aaaa_security=_security(report.aaaa),
        addresses=len(report.endpoints),
        skipped=len(report.skipped),
        observed_at=report.observed_at,
        tlsa_records_list=records,
        a_rrset=rrset(report.a),
        aaaa_rrset=rrset(report.aaaa),
        tlsa_rrset=tlsa_rrset(lookup),
        inferred_from=source_of(report),
    )


def endpoint_row(report: HostReport, endpoint: EndpointReport) -> EndpointRow:
    """Return the row of an address of an MX host in the table ``endpoints``."""
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
        **_others(endpoint),
        pq=endpoint.pq,
        pq_signature=endpoint.pq_signature,
        retried=shown.handshake.retried if shown.handshake else None,
        tlsa_matched=evidence.matched if evidence else None,
        tlsa_depth=evidence.depth if matched and evidence else None,
        tlsa_record=presentation(matched) if matched else None,
        pkix_trusted=not endpoint.pkix.errors if endpoint.pkix else None,
        pkix_error=endpoint.pkix.errors[0].text if endpoint.pkix and endpoint.pkix.errors else "",
        banner=" ".join(shown.banner.lines) if shown.banner else "",
        **_failure(parts.own.failure),
        defects=" ".join(shown.defects),
        chain_list=shown.handshake.chain if shown.handshake else (),
        defects_list=shown.defects,
    )


def _session(handshake: Handshake | None) -> dict[str, Any]:
    return {
        "tls_version": handshake and handshake.version,
        "cipher": handshake and handshake.cipher,
        "tls_group": handshake and handshake.group,
        "signature": handshake and handshake.signature,
        "sni": handshake and handshake.sni,
        "leaf": handshake.chain[0] if handshake and handshake.chain else None,
        "key_algorithm": algorithm_of(handshake) if handshake and handshake.chain else None,
        "chain": " ".join(handshake.chain) if handshake else "",
    }


def _others(endpoint: EndpointReport) -> dict[str, Any]:
    """Return the columns about certificates with another key algorithm than the certificate sent by default.

    ``other_tlsa_matched`` is False if any of these certificates does not match the TLSA records.
    """
    served = [other for other in endpoint.algorithms if other.served is Served.YES]
    leaves = [digest for other in served if other.probe.handshake for digest in other.probe.handshake.chain[:1]]
    found = [other.dane.matched for other in served if other.dane is not None]
    return {
        "other_algorithms": " ".join(f"{other.alg}={other.served}" for other in endpoint.algorithms),
        "other_leaf": leaves[0] if leaves else None,
        "other_tlsa_matched": all(found) if found else None,
    }


def _failure(failure: Failure | None) -> dict[str, Any]:
    return {
        "failure_phase": failure and failure.phase,
        "failure_kind": failure and failure.kind,
        "failure_code": failure and failure.code,
        "failure_text": failure.text if failure else "",
    }


def pem(cert: CertFacts) -> str:
    """Return a certificate in PEM (RFC 7468 section 5)."""
    text = b64encode(cert.der).decode("ascii")
    rows = "".join(f"{text[at : at + PEM_WIDTH]}\n" for at in range(0, len(text), PEM_WIDTH))
    return f"-----BEGIN CERTIFICATE-----\n{rows}-----END CERTIFICATE-----\n"


def _outcome(answer: Answer | None) -> str:
    return answer.outcome if answer else ""


def _security(answer: Answer | None) -> str:
    return answer.security if answer else ""
