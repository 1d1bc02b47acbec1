"""The evidence for the verdict of a failing MX host: TLSA records, and replies and certificates of each address.

The lines of evidence contain names and replies from peers and zones, and are not escaped in this module.
"""

from collections.abc import Iterator, Mapping

from results.explain.case import other_chain, sent_chain
from results.explain.tlsa_fix import owner_of
from results.render import tlsa
from scanner.core.verdict import handshake_of, sessions
from scanner.facts import CertFacts
from scanner.model import EndpointReport, HostReport

ADDRESSES = 8  # maximum number of addresses in the evidence
RECORDS = 20  # maximum number of TLSA records in the evidence


def evidence_of(report: HostReport | None, certs: Mapping[str, CertFacts]) -> tuple[str, ...]:
    """Return the evidence for the verdict of a host as lines of text.

    Args:
        report: the report of the host, None if the host was not examined.
        certs: certificates by SHA-256 digest.
    """
    return tuple(_lines(report, certs)) if report is not None else ()


def _lines(report: HostReport, certs: Mapping[str, CertFacts]) -> Iterator[str]:
    for record in report.tlsa.records[:RECORDS]:
        yield f"{owner_of(report)}. IN TLSA {tlsa.whole(record)}"
    for end in report.endpoints[:ADDRESSES]:
        if end.probes:
            yield f"{end.address} at {end.probes[-1].started:%Y-%m-%d %H:%M:%S} UTC: {_seen(end, certs)}"
        yield from _others(end, certs)
    more = len(report.endpoints) - ADDRESSES
    if more > 0:
        yield f"and {more} more addresses"


def _others(end: EndpointReport, certs: Mapping[str, CertFacts]) -> Iterator[str]:
    for other in end.algorithms:
        if chain := other_chain(other, certs):
            when = f"{other.probe.started:%Y-%m-%d %H:%M:%S} UTC"
            yield f"{end.address} at {when}, to a client that accepts only {other.alg} keys: {_certificate(chain[0])}"


def _certificate(leaf: CertFacts) -> str:
    return f"certificate {leaf.subject}, SHA-256 of its key {leaf.spki_sha256 or 'not known'}"


def _seen(end: EndpointReport, certs: Mapping[str, CertFacts]) -> str:
    handshake, chain = handshake_of(end), sent_chain(end, certs)
    if handshake is not None:
        if not chain:
            return handshake.version
        return f"{handshake.version}, {_certificate(chain[0])}"
    probe = sessions(end).shown
    if probe.failure is not None:
        return f"{probe.failure.kind} in phase {probe.failure.phase}: {probe.failure.text}".removesuffix(": ")
    return f"STARTTLS {probe.starttls}"
