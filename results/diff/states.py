"""The state of a domain or an MX host in one run: the part of its record by which runs are compared."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from results.store.reader import Run
from scanner.core.verdict import handshake_of
from scanner.facts import TLSARecord
from scanner.model import DomainRecord, EndpointReport, HostReport
from scanner.reasons import Reason
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, DomainStartTLS, Outcome, Sender

_RECORDS_KNOWN = (None, Dane.UNUSABLE, Dane.NONE)
"""Results of a TLSA lookup (``TLSALookup.dane``) after which the records are known."""


class DomainHealth(StrEnum):
    """Health of a domain: whether it needs repair; ``unknown`` if the run is inconclusive."""

    SOUND = "sound"
    BROKEN = "broken"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DomainState:
    """A domain in one run.

    ``mx`` contains the MX records as ``10 mx.example``; None if the MX lookup failed. ``hosts`` contains report keys.
    """

    key: str
    dane: DomainDane
    starttls: DomainStartTLS
    sender: Sender
    outcome: DomainOutcome
    mx: tuple[str, ...] | None
    hosts: tuple[str, ...]
    reasons: tuple[Reason, ...]
    text: str
    at: datetime

    @property
    def health(self) -> DomainHealth:
        """Health: ``broken`` if DANE is broken, mail is not deliverable at the level, or no MX host exists."""
        if self.dane is DomainDane.BROKEN or self.outcome is DomainOutcome.FAIL:
            return DomainHealth.BROKEN
        if Reason.MX_TARGETS_UNRESOLVABLE in self.reasons:
            return DomainHealth.BROKEN
        if self.outcome is DomainOutcome.INCONCLUSIVE or self.dane in (DomainDane.UNKNOWN, DomainDane.LOOKUP_FAILED):
            return DomainHealth.UNKNOWN
        return DomainHealth.SOUND


@dataclass(frozen=True, slots=True)
class HostState:
    """An MX host in one run.

    ``records`` contains the secure TLSA records of the host; empty if they are securely absent, None if not known.
    ``chains`` maps each address that sent certificates to the SHA-256 digests of these certificates, as sent.
    """

    key: str
    host: str
    at: datetime
    records: tuple[TLSARecord, ...] | None
    usable: bool
    chains: dict[str, tuple[str, ...]]

    @property
    def leaves(self) -> frozenset[str]:
        """The SHA-256 digests of the server certificates."""
        return frozenset(chain[0] for chain in self.chains.values())


def domain_states(run: Run) -> Iterator[DomainState]:
    """Return the state of each domain of a run."""
    return map(_domain, run.domains())


def host_states(run: Run) -> Iterator[HostState]:
    """Return the state of each MX host of a run."""
    return map(_host, run.hosts())


def _domain(record: DomainRecord) -> DomainState:
    verdict, mx = record.verdict, record.route.mx
    failed = mx is not None and mx.outcome is Outcome.ERROR
    return DomainState(
        key=record.key,
        dane=verdict.dane,
        starttls=verdict.starttls,
        sender=verdict.sender,
        outcome=verdict.outcome,
        mx=None if failed else tuple(f"{hop.preference} {hop.host}" for hop in record.route.hosts),
        hosts=tuple(host.report for host in record.hosts if host.report is not None),
        reasons=verdict.reasons,
        text=verdict.text,
        at=record.observed_at,
    )


def _host(report: HostReport) -> HostState:
    return HostState(
        key=report.key,
        host=report.host,
        at=report.observed_at,
        records=report.tlsa.records if report.tlsa.dane in _RECORDS_KNOWN else None,
        usable=report.tlsa.dane is None,
        chains={endpoint.address: chain for endpoint in report.endpoints if (chain := _chain(endpoint))},
    )


def _chain(endpoint: EndpointReport) -> tuple[str, ...]:
    handshake = handshake_of(endpoint)
    return handshake.chain if handshake is not None else ()
