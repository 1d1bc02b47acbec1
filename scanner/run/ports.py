"""The interfaces of an examination: narrow protocols for all parts that wait, so that a test can pass tables."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from scanner.core.pkix import TrustStore
from scanner.facts import Answer, CertFacts, Endpoint
from scanner.model import DomainRecord, HostReport
from scanner.net.probe import ProbeResult
from scanner.net.routes import has_route
from scanner.run.stats import Stats
from scanner.settings import Settings
from targets.scope import Scope


class DNSLookup(Protocol):
    """Makes one DNS lookup; failures are part of the answer."""

    async def __call__(self, name: str, rtype: str, *, fresh: bool = False) -> Answer:
        """Return the answer to (name, rtype); ``fresh`` queries the servers without a cache."""


class ProbeEndpoint(Protocol):
    """Probes one endpoint with the TLS profile that it names; failures are part of the probe."""

    def __call__(self, endpoint: Endpoint, host: str) -> Awaitable[ProbeResult]:
        """Return the result; ``host`` is an MX host with this endpoint, which other hosts may share."""


class HasRoute(Protocol):
    """Determines whether this machine can send to an address."""

    def __call__(self, address: str) -> bool:
        """Return False if there is no connectivity of the address's family."""


class Sink(Protocol):
    """The destination of records; one task uses it."""

    def put_domain(self, record: DomainRecord, reports: Sequence[HostReport], certs: Mapping[str, CertFacts]) -> None:
        """Take the record of a domain with the host reports and certificates that it refers to."""

    def put_reject(self, file: str, line: int, raw: str, reason: str) -> None:
        """Take an input line that was not scanned."""

    def sync(self) -> None:
        """Make the records durable, if that is due."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The settings, interfaces and counters that all examinations of a scan share."""

    settings: Settings
    lookup: DNSLookup
    probe: ProbeEndpoint
    trust: TrustStore
    scope: Scope
    stats: Stats
    has_route: HasRoute = has_route


def now() -> datetime:
    """Return the current time for a record."""
    return datetime.now(UTC)
