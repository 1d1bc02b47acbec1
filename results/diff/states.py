"""The state of a domain or an MX host in one run: the part of its record by which runs are compared."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from results.count.columns import column_value
from results.count.health import Health, domain_health, host_health
from results.count.main_reason import main_reason
from results.diff.policies import PolicyState, policy_state
from results.store.reader import Run
from scanner.core.algorithms import algorithm_of
from scanner.core.sampling import source_of
from scanner.core.verdict import handshake_of
from scanner.facts import TLSARecord
from scanner.model import DomainRecord, EndpointReport, HostReport, HostVerdict
from scanner.reasons import Reason
from scanner.vocabulary import (
    Dane,
    DomainDane,
    DomainOutcome,
    DomainStartTLS,
    DomainSTS,
    Mechanism,
    Outcome,
    Sender,
    Served,
)

_RECORDS_KNOWN = (None, Dane.UNUSABLE, Dane.NONE)
"""Results of a TLSA lookup (``TLSALookup.dane``) in which the TLSA records of the host are known."""


@dataclass(frozen=True, slots=True)
class MXState:
    """The verdict of one MX host of a domain in one run.

    ``report`` is the key of the host's report, None if the host was not examined. ``reason`` is the main reason code
    and ``text`` the text of the peer; ``reason`` and ``text`` are empty for a sound host that was probed.
    """

    host: str
    report: str | None
    dane: Dane
    health: Health
    reason: str
    text: str

    @property
    def unseen(self) -> bool:
        """True if the host is sound by the result of other hosts; the end of an earlier fault was then not seen."""
        return self.health is Health.SOUND and self.reason == Reason.INFERRED_FROM_SAMPLE


@dataclass(frozen=True, slots=True)
class DomainState:
    """The state of a domain in one run.

    ``mx`` contains the MX records as texts such as ``10 mx.example``; None if the MX lookup failed. ``hosts`` contains
    the verdicts of the MX hosts of the domain. ``group`` is the value of the column of the target list by which changes
    are grouped. ``sts``, ``mechanism`` and ``policy`` are None if the run did not examine MTA-STS.
    """

    key: str
    health: Health
    dane: DomainDane
    starttls: DomainStartTLS
    sender: Sender
    outcome: DomainOutcome
    mx: tuple[str, ...] | None
    hosts: tuple[MXState, ...]
    reasons: tuple[Reason, ...]
    text: str
    at: datetime
    group: str = ""
    sts: DomainSTS | None = None
    mechanism: Mechanism | None = None
    policy: PolicyState | None = None


@dataclass(frozen=True, slots=True)
class HostState:
    """The state of an MX host in one run.

    ``records`` contains the secure TLSA records of the host; empty if the records are securely absent, None if it is
    not known whether records exist. ``chains`` contains the SHA-256 digests of the certificates that an address sent,
    in the order sent. A key of ``chains`` is an address with the algorithm of the server's key (``192.0.2.1 rsa``).
    ``chains`` is empty for a host that was not probed: the certificates in its report were sent to another name.
    """

    key: str
    host: str
    at: datetime
    records: tuple[TLSARecord, ...] | None
    usable: bool
    chains: dict[str, tuple[str, ...]]

    @property
    def leaves(self) -> frozenset[str]:
        """The SHA-256 digests of the server certificates, which are the first certificates of the chains."""
        return frozenset(chain[0] for chain in self.chains.values())


def domain_states(run: Run, column: str = "") -> Iterator[DomainState]:
    """Return the state of each domain of a run for a comparison.

    ``column`` is the column of the target list whose value is stored in ``DomainState.group``.
    """
    return (_domain(record, column) for record in run.domains())


def host_states(run: Run) -> Iterator[HostState]:
    """Return the state of each MX host of a run for a comparison."""
    return map(_host, run.hosts())


def _domain(record: DomainRecord, column: str) -> DomainState:
    verdict, mx = record.verdict, record.route.mx
    failed = mx is not None and mx.outcome is Outcome.ERROR
    return DomainState(
        key=record.key,
        health=domain_health(verdict.dane, verdict.outcome, verdict.reasons),
        dane=verdict.dane,
        starttls=verdict.starttls,
        sender=verdict.sender,
        outcome=verdict.outcome,
        mx=None if failed else tuple(f"{hop.preference} {hop.host}" for hop in record.route.hosts),
        hosts=tuple(map(_mx, record.hosts)),
        reasons=verdict.reasons,
        text=verdict.text,
        at=record.observed_at,
        group=column_value(record.target.fields, column),
        sts=verdict.sts,
        mechanism=verdict.mechanism,
        policy=policy_state(record),
    )


def _mx(verdict: HostVerdict) -> MXState:
    health = host_health(verdict.dane, verdict.sender, conclusive=verdict.conclusive)
    if health is Health.SOUND:
        reason = Reason.INFERRED_FROM_SAMPLE if Reason.INFERRED_FROM_SAMPLE in verdict.reasons else ""
        return MXState(verdict.host, verdict.report, verdict.dane, health, reason, "")
    codes = {*verdict.reasons, *(code for endpoint in verdict.endpoints for code in endpoint.reasons)}
    texts = (verdict.text, *(endpoint.text for endpoint in verdict.endpoints))
    reason, text = main_reason(verdict.dane, codes), next(filter(None, texts), "")
    return MXState(verdict.host, verdict.report, verdict.dane, health, reason, text)


def _host(report: HostReport) -> HostState:
    seen = () if source_of(report) else report.endpoints
    return HostState(
        key=report.key,
        host=report.host,
        at=report.observed_at,
        records=report.tlsa.records if report.tlsa.dane in _RECORDS_KNOWN else None,
        usable=report.tlsa.dane is None,
        chains={place: chain for endpoint in seen for place, chain in _chains(endpoint)},
    )


def _chains(endpoint: EndpointReport) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each certificate chain that an address sent, with its place.

    The place is the text of the address and of the algorithm of the server's key.
    """
    others = (other.probe.handshake for other in endpoint.algorithms if other.served is Served.YES)
    for handshake in (handshake_of(endpoint), *others):
        if handshake is not None and handshake.chain:
            yield f"{endpoint.address} {algorithm_of(handshake)}", handshake.chain
