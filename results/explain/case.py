"""A failing MX host, with the facts that can explain its verdict."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from results.explain.tlsa_cause import SeenCertificate
from scanner.core.verdict import handshake_of
from scanner.facts import CertFacts
from scanner.model import EndpointReport, HostReport, PathError

Chain = tuple[CertFacts, ...]


@dataclass(frozen=True, slots=True)
class HostCase:
    """The facts about a failing MX host.

    ``report`` is None if the host was not examined. ``certs`` maps SHA-256 digests to certificates, ``sightings`` maps
    the data of TLSA records to certificates. ``text`` is the text of the verdict.
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
        """Return the certificate chain of each address without a matching TLSA record, server certificate first."""
        return (chain for endpoint, chain in self._sent() if not _matched(endpoint))

    def chains(self) -> Iterator[Chain]:
        """Return the certificate chain of each address, the chains of failing addresses first."""
        yield from self.failing_chains()
        yield from (chain for endpoint, chain in self._sent() if _matched(endpoint))

    def path_errors(self) -> Iterator[PathError]:
        """Return the path validation errors in the DANE evidence of the host."""
        endpoints = self.report.endpoints if self.report else ()
        return (error for endpoint in endpoints if endpoint.dane is not None for error in endpoint.dane.errors)

    def _sent(self) -> Iterator[tuple[EndpointReport, Chain]]:
        """Return each address that sent a certificate chain, with the chain."""
        for endpoint in self.report.endpoints if self.report else ():
            if chain := sent_chain(endpoint, self.certs or {}):
                yield endpoint, chain


def sent_chain(endpoint: EndpointReport, certs: Mapping[str, CertFacts]) -> Chain:
    """Return the certificates that an address sent, server certificate first.

    Args:
        endpoint: the address.
        certs: the certificates of the run by SHA-256.

    Returns:
        The certificate chain; empty if the address sent no chain, or if the run lacks a certificate of the chain.
    """
    handshake = handshake_of(endpoint)
    digests = handshake.chain if handshake is not None else ()
    return tuple(certs[digest] for digest in digests) if all(digest in certs for digest in digests) else ()


def _matched(endpoint: EndpointReport) -> bool:
    return endpoint.dane is not None and endpoint.dane.matched
