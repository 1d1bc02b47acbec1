"""Interfaces of an examination: Python protocols for DNS, probes, routes and output, which tests replace."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
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
    """A function that makes one DNS lookup; a failed lookup returns an ``Answer`` that describes the failure."""

    async def __call__(self, name: str, rtype: str, *, fresh: bool = False) -> Answer:
        """Return the answer for a name and record type; with ``fresh``, query the servers without a cache."""


DNSQuestion = tuple[str, str]
"""The name and the record type of a DNS lookup."""

DNSTogether = Callable[[Sequence[DNSQuestion]], Awaitable[list[Answer | None]]]
"""A function that sends several questions at the same time; None means that the question needs a single lookup."""


class ProbeEndpoint(Protocol):
    """A function that probes one endpoint with the endpoint's TLS profile; a failed probe contains its failure."""

    def __call__(self, endpoint: Endpoint, host: str) -> Awaitable[ProbeResult]:
        """Return the result of a probe; ``host`` is one of the MX hosts with the probed endpoint."""


class FetchPath(Protocol):
    """A function that fetches a path by HTTPS from one address; the result of a failed request contains the failure."""

    def __call__(self, address: str, host: str, path: str, accepts: "Accepts") -> "Awaitable[HTTPSResult]":
        """Return the result of the HTTPS request.

        The function ``accepts`` judges the certificate chain before the request is sent.
        """


class HasRoute(Protocol):
    """A function that determines whether this machine can send to an address."""

    def __call__(self, address: str) -> bool:
        """Return False if this machine has no connectivity of the address's family."""


class Sink(Protocol):
    """The interface of a sink (receiver of the records of a scan), which only one task calls."""

    def put_domain(self, record: DomainRecord, reports: Sequence[HostReport], certs: Mapping[str, CertFacts]) -> None:
        """Accept the record of a domain with the host reports and certificates that the record refers to.

        Raises:
            ValueError: a record cannot be encoded; the sink has accepted neither the domain's record nor its reports
                and certificates. An exception of any class other than ValueError ends the scan.
        """

    def put_reject(self, file: str, line: int, raw: str, reason: str) -> None:
        """Accept an input line that is not scanned, with the reason."""

    def sync(self) -> None:
        """Write the accepted records to the disk if enough time has passed since the last call."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The settings, interfaces and counters that all examinations of a scan share.

    ``fetch`` is None if the scan does not examine MTA-STS, so that the HTTP library is not loaded. ``vantages``
    contains this machine in a scan with ``--dask``, and is empty in other scans. ``together`` makes several lookups at
    the same time; if it is None, ``look_up`` makes one lookup after the other.
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
    together: Callable[[Sequence[DNSQuestion]], Awaitable[list[Answer]]] | None = None

    async def look_up(self, *questions: DNSQuestion) -> list[Answer]:
        """Return the answers to several DNS questions."""
        if self.together is not None:
            return await self.together(questions)
        return [await self.lookup(*question) for question in questions]


def now() -> datetime:
    """Return the current time in UTC for use in a record."""
    return datetime.now(UTC)
