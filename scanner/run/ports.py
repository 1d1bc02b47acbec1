"""What an examination works with: the waiting parts behind narrow protocols, so that a test can hand in tables."""

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


class Lookup(Protocol):
    """Asks one DNS question; failures are Answers."""

    async def __call__(self, name: str, rtype: str, *, fresh: bool = False) -> Answer:
        """The answer to (name, rtype); a fresh one is asked for now, not remembered."""


class ProbeEndpoint(Protocol):
    """Probes one endpoint with the TLS profile that it names; failures are Probes."""

    def __call__(self, endpoint: Endpoint, host: str) -> Awaitable[ProbeResult]:
        """What was seen; ``host`` is the MX host that leads there, whoever may share the endpoint."""


class HasRoute(Protocol):
    """Tells whether this machine can send to an address at all."""

    def __call__(self, address: str) -> bool:
        """False where there is no connectivity of the address's family."""


class Sink(Protocol):
    """Where records go. Called by one task only."""

    def put_domain(self, record: DomainRecord, reports: Sequence[HostReport], certs: Mapping[str, CertFacts]) -> None:
        """Take a judged domain with the host reports and certificates it refers to."""

    def put_reject(self, file: str, line: int, raw: str, reason: str) -> None:
        """Take an input line that was not scanned."""

    def sync(self) -> None:
        """Make what was taken durable, if it is time to."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that one scan's examinations share."""

    settings: Settings
    lookup: Lookup
    probe: ProbeEndpoint
    trust: TrustStore
    scope: Scope
    stats: Stats
    has_route: HasRoute = has_route


def now() -> datetime:
    """The time for a record."""
    return datetime.now(UTC)
