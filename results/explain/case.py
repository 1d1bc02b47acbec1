"""The record of a failing MX host with the facts that can explain its verdict."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from results.explain.tlsa_cause import SeenCertificate
from scanner.core.compared import is_mismatch
from scanner.core.verdict import handshake_of
from scanner.facts import CertFacts, Handshake
from scanner.model import AlgorithmReport, DaneEvidence, EndpointReport, HostReport, PathError
from scanner.vocabulary import CertAlg, Served

Chain = tuple[CertFacts, ...]


@dataclass(frozen=True, slots=True)
class HostCase:
    """The facts about a failing MX host.

    ``report`` is the report of the host, None if the host was not examined. ``certs`` maps SHA-256 digests to
    certificates, ``sightings`` maps the data of TLSA records to the certificates that match the data. ``text`` is the
    SMTP reply or error text in the verdict.
    """

    host: str
    dane: str
    reasons: Sequence[str]
    report: HostReport | None = None
    certs: Mapping[str, CertFacts] | None = None
    sightings: Mapping[str, SeenCertificate] = field(default_factory=dict)
    text: str = ""

    @property
    def records_data(self) -> set[str]:
        """The certificate association data of the host's TLSA records, in hex."""
        return {record.data for record in self.report.tlsa.records} if self.report else set()

    def failing_chains(self) -> Iterator[Chain]:
        """Return the certificate chains that match no TLSA record, each with its server certificate first."""
        return (chain for evidence, chain in self._sent() if not _matched(evidence))

    def chains(self) -> Iterator[Chain]:
        """Return the certificate chains of all addresses, first the chains that match no TLSA record."""
        yield from self.failing_chains()
        yield from (chain for evidence, chain in self._sent() if _matched(evidence))

    def path_errors(self) -> Iterator[PathError]:
        """Return the path validation errors in the DANE evidence of the host."""
        endpoints = self.report.endpoints if self.report else ()
        found = (dane for each in endpoints for dane in (each.dane, *(other.dane for other in each.algorithms)))
        return (error for evidence in found if evidence is not None for error in evidence.errors)

    def other_mismatches(self) -> Iterator[tuple[CertAlg, CertFacts]]:
        """Return the certificates, except those sent by default, that match no TLSA record, each with its algorithm."""
        for endpoint in self.report.endpoints if self.report else ():
            for other in endpoint.algorithms:
                chain = other_chain(other, self.certs or {})
                if self.report and chain and is_mismatch(other.dane, chain[0], self.report.tlsa):
                    yield other.alg, chain[0]

    def _sent(self) -> Iterator[tuple[DaneEvidence | None, Chain]]:
        """Return each certificate chain that an address sent, with its DANE evidence."""
        certs = self.certs or {}
        for endpoint in self.report.endpoints if self.report else ():
            if chain := sent_chain(endpoint, certs):
                yield endpoint.dane, chain
            yield from ((other.dane, chain) for other in endpoint.algorithms if (chain := other_chain(other, certs)))


def sent_chain(endpoint: EndpointReport, certs: Mapping[str, CertFacts]) -> Chain:
    """Return the certificates that an address sent, server certificate first.

    Args:
        endpoint: the address.
        certs: the certificates of the run by SHA-256.

    Returns:
        The certificate chain; empty if the address sent no chain, or if the run lacks a certificate of the chain.
    """
    return _found(handshake_of(endpoint), certs)


def other_chain(report: AlgorithmReport, certs: Mapping[str, CertFacts]) -> Chain:
    """Return the chain that a server sent when a certificate with the key algorithm of ``report`` was requested.

    The chain is empty if the server has no certificate with the key algorithm.
    """
    return _found(report.probe.handshake, certs) if report.served is Served.YES else ()


def _found(handshake: Handshake | None, certs: Mapping[str, CertFacts]) -> Chain:
    digests = handshake.chain if handshake is not None else ()
    return tuple(certs[digest] for digest in digests) if all(digest in certs for digest in digests) else ()


def _matched(evidence: DaneEvidence | None) -> bool:
    return evidence is not None and evidence.matched
