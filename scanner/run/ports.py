"""Interfaces of an examination: protocols for DNS, probes, routes and output, which tests can replace."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from scanner.core.pkix import TrustStore
from scanner.facts import Answer, CertFacts, Endpoint
from scanner.model import DomainRecord, HostReport
from scanner.net.probe import ProbeResult
from scanner.net.routes import has_route
from scanner.run.stats import Stats
from scanner.settings import Settings
from scanner.worker_status import Vantage
from targets.scope import Scope

if TYPE_CHECKING:
    from scanner.net.https import Accepts, HTTPSResult


class DNSLookup(Protocol):
    """A function that makes one DNS lookup; failures are part of the answer."""

    async def __call__(self, name: str, rtype: str, *, fresh: bool = False) -> Answer:
        """Return the answer for a name and record type; with ``fresh``, query the servers without a cache."""


class ProbeEndpoint(Protocol):
    """A function that probes one endpoint with the endpoint's TLS profile; failures are part of the probe."""

    def __call__(self, endpoint: Endpoint, host: str) -> Awaitable[ProbeResult]:
        """Return the result of a probe; ``host`` is one of the MX hosts with the probed endpoint."""


class FetchPath(Protocol):
    """A function that fetches a path by HTTPS from one address; failures are part of the result."""

    def __call__(self, address: str, host: str, path: str, accepts: "Accepts") -> "Awaitable[HTTPSResult]":
        """Return the result of the HTTPS request.

        ``accepts`` judges the certificate chain before the request is sent.
        """


class HasRoute(Protocol):
    """A function that determines whether this machine can send to an address."""

    def __call__(self, address: str) -> bool:
        """Return False if this machine has no connectivity of the address's family."""


class Sink(Protocol):
    """The interface of a destination of records (sink), used by one task only."""

    def put_domain(self, record: DomainRecord, reports: Sequence[HostReport], certs: Mapping[str, CertFacts]) -> None:
        """Accept the record of a domain with the host reports and certificates that the record refers to.

        Raises:
            ValueError: a record cannot be encoded; the sink has accepted none of the records. An exception of another
                class ends the scan.
        """

    def put_reject(self, file: str, line: int, raw: str, reason: str) -> None:
        """Accept an input line that is not scanned, with the reason."""

    def sync(self) -> None:
        """Write the accepted records to the disk if enough time has passed since the last call."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The settings, interfaces and counters that all examinations of a scan share.

    ``fetch`` is None if the scan does not examine MTA-STS: the HTTP library is then not loaded. ``vantages`` contains
    this machine in a scan with ``--dask``.
    """

    settings: Settings
    lookup: DNSLookup
    probe: ProbeEndpoint
    trust: TrustStore
    scope: Scope
    stats: Stats
    has_route: HasRoute = has_route
    fetch: FetchPath | None = None
    vantages: tuple[Vantage, ...] = ()


def now() -> datetime:
    """Return the current time in UTC for use in a record."""
    return datetime.now(UTC)
