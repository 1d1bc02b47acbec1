"""The state of a domain or an MX host in one run: the part of its record by which runs are compared.

Of each line of domains.jsonl and hosts.jsonl, only the members that are compared are decoded. Most verdicts have the
same JSON in two runs, so verdicts with equal JSON are decoded once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import msgspec

from results.count.columns import column_value
from results.count.health import Health, domain_health, host_health
from results.count.main_reason import main_reason
from results.diff.policies import PolicyState, policy_state
from results.diff.verdicts import DomainWords, domain_words
from results.store.partial import AddressPart, Lean, lines
from results.store.reader import Run
from scanner.core.algorithms import algorithm_of
from scanner.facts import TLSARecord
from scanner.reasons import Reason
from scanner.sts import STSPolicy
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
    TXTRecord,
)

VERDICTS = 8192
"""Maximum number of decoded verdicts in memory, some 2 KB each."""

_RECORDS_KNOWN = (None, Dane.UNUSABLE, Dane.NONE)
"""Results of a TLSA lookup (``TLSALookup.dane``) in which the TLSA records of the host are known."""


@dataclass(frozen=True, slots=True)
class MXState:
    """The verdict of one MX host of a domain in one run.

    ``report`` is the key of the host's report, None if the host was not examined. ``reason`` is the main reason code
    and ``text`` the SMTP reply or error text; ``reason`` and ``text`` are empty for a sound host that was probed.
    """

    host: str
    report: str | None
    dane: Dane
    health: Health
    reason: str
    text: str

    @property
    def unseen(self) -> bool:
        """True if the sound state is inferred from other hosts, so that no probe shows whether a fault has ended."""
        return self.health is Health.SOUND and self.reason == Reason.INFERRED_FROM_SAMPLE


@dataclass(frozen=True, slots=True)
class VerdictState:
    """The verdict of a domain in one run; equal verdicts of different domains are one object."""

    health: Health
    words: DomainWords
    reasons: tuple[Reason, ...]
    text: str


@dataclass(frozen=True, slots=True)
class DomainState:
    """The state of a domain in one run.

    ``mx`` contains the MX records as texts such as ``10 mx.example``; None if the MX lookup failed. ``hosts`` contains
    the verdicts of the MX hosts of the domain. ``group`` is the value of the column of the target list by which changes
    are grouped. ``policy`` is None if the run did not examine MTA-STS.
    """

    key: str
    at: datetime
    verdict: VerdictState
    mx: tuple[str, ...] | None
    hosts: tuple[MXState, ...]
    group: str = ""
    policy: PolicyState | None = None

    @property
    def health(self) -> Health:
        """The health of the domain."""
        return self.verdict.health


@dataclass(frozen=True, slots=True)
class HostState:
    """The state of an MX host in one run.

    ``records`` contains the secure TLSA records of the host; empty if the records are securely absent, None if it is
    not known whether records exist. ``chains`` contains the SHA-256 digests of the certificates that an address sent,
    in the order sent. A key of ``chains`` is an address with the algorithm of the server's key (``192.0.2.1 rsa``).
    ``chains`` is empty for a host that was not probed: the certificates in its report were sent for the name of another
    host.
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


class _MX(Lean, frozen=True):
    outcome: Outcome


class _Hop(Lean, frozen=True):
    host: str
    preference: int


class _Way(Lean, frozen=True):
    mx: _MX | None
    hosts: tuple[_Hop, ...]


class _STS(Lean, frozen=True):
    record: TXTRecord
    id: str = ""
    policy: STSPolicy | None = None


class _TLSRPT(Lean, frozen=True):
    record: TXTRecord


class DomainRow(Lean, frozen=True):
    """The compared members of a domain line; ``hosts`` and ``verdict`` are undecoded JSON."""

    key: str
    route: _Way
    hosts: msgspec.Raw
    verdict: msgspec.Raw
    observed_at: datetime
    sts: _STS | None = None
    tlsrpt: _TLSRPT | None = None


class _Columns(Lean, frozen=True):
    fields: dict[str, str] = msgspec.field(default_factory=dict)


class ColumnRow(DomainRow, frozen=True, kw_only=True):
    """The members of ``DomainRow``, and the columns of the target list."""

    target: _Columns


class _Verdict(Lean, frozen=True):
    outcome: DomainOutcome
    sender: Sender
    dane: DomainDane
    starttls: DomainStartTLS
    reasons: tuple[Reason, ...] = ()
    text: str = ""
    sts: DomainSTS | None = None
    mechanism: Mechanism | None = None


class _Endpoint(Lean, frozen=True):
    reasons: tuple[Reason, ...] = ()
    text: str = ""


class _HostLine(Lean, frozen=True):
    host: str
    report: str | None
    dane: Dane
    sender: Sender
    conclusive: bool
    endpoints: tuple[_Endpoint, ...] = ()
    reasons: tuple[Reason, ...] = ()
    text: str = ""


class _TLSA(Lean, frozen=True):
    records: tuple[TLSARecord, ...]
    dane: Dane | None


class _Report(Lean, frozen=True):
    key: str
    host: str
    observed_at: datetime
    tlsa: _TLSA
    endpoints: tuple[AddressPart, ...]
    inferred: dict[str, str] | None = None


_HOST_LINES = msgspec.json.Decoder(tuple[_HostLine, ...])
_VERDICT = msgspec.json.Decoder(_Verdict)


def domain_rows(run: Run, column: str = "") -> Iterator[DomainRow]:
    """Yield for each domain of a run the compared part of its record; ``state_of`` describes ``column``.

    Raises:
        StoreError: the file cannot be read, or a line is not a record of a domain.
    """
    return lines(run, "domains", row_class(column))


def row_class(column: str) -> type[DomainRow]:
    """Return the Python class into which a domain line is decoded; ``ColumnRow`` has the columns of the target list."""
    return ColumnRow if column else DomainRow


def state_of(row: DomainRow, column: str = "") -> DomainState:
    """Return the state of a domain.

    ``column`` is the column of the target list whose value is stored in ``DomainState.group``.

    Raises:
        ValueError: an undecoded member of the row is not a verdict (``codec.UNREADABLE``).
    """
    way, verdict = row.route, _verdict(bytes(row.verdict))
    failed = way.mx is not None and way.mx.outcome is Outcome.ERROR
    return DomainState(
        key=row.key,
        at=row.observed_at,
        verdict=verdict,
        mx=None if failed else tuple([f"{hop.preference} {hop.host}" for hop in way.hosts]),
        hosts=_hosts(bytes(row.hosts)),
        group=column_value(row.target.fields, column) if isinstance(row, ColumnRow) else "",
        policy=None if row.sts is None else policy_state(row.sts, row.tlsrpt, verdict.words.sts),
    )


def domain_states(run: Run, column: str = "") -> Iterator[DomainState]:
    """Return the state of each domain of a run for a comparison; ``state_of`` describes ``column``."""
    return (state_of(row, column) for row in domain_rows(run, column))


def host_states(run: Run) -> Iterator[HostState]:
    """Return the state of each MX host of a run for a comparison."""
    return map(_host, lines(run, "hosts", _Report))


@lru_cache(VERDICTS)
def _verdict(octets: bytes) -> VerdictState:
    verdict = _VERDICT.decode(octets)
    health = domain_health(verdict.dane, verdict.outcome, verdict.reasons)
    return VerdictState(health, domain_words(verdict), verdict.reasons, verdict.text)


@lru_cache(VERDICTS)
def _hosts(octets: bytes) -> tuple[MXState, ...]:
    return tuple(map(_mx, _HOST_LINES.decode(octets)))


def _mx(verdict: _HostLine) -> MXState:
    health = host_health(verdict.dane, verdict.sender, conclusive=verdict.conclusive)
    if health is Health.SOUND:
        reason = Reason.INFERRED_FROM_SAMPLE if Reason.INFERRED_FROM_SAMPLE in verdict.reasons else ""
        return MXState(verdict.host, verdict.report, verdict.dane, health, reason, "")
    codes = {*verdict.reasons, *(code for endpoint in verdict.endpoints for code in endpoint.reasons)}
    texts = (verdict.text, *(endpoint.text for endpoint in verdict.endpoints))
    reason, text = main_reason(verdict.dane, codes), next(filter(None, texts), "")
    return MXState(verdict.host, verdict.report, verdict.dane, health, reason, text)


def _host(report: _Report) -> HostState:
    seen = () if report.inferred else report.endpoints
    return HostState(
        key=report.key,
        host=report.host,
        at=report.observed_at,
        records=report.tlsa.records if report.tlsa.dane in _RECORDS_KNOWN else None,
        usable=report.tlsa.dane is None,
        chains={place: chain for endpoint in seen for place, chain in _chains(endpoint)},
    )


def _chains(endpoint: AddressPart) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each certificate chain that an address sent, with the key of the chain in ``HostState.chains``.

    The key is the text of the address and of the algorithm of the server's key.
    """
    others = (other.probe.handshake for other in endpoint.algorithms if other.served == Served.YES)
    for handshake in (endpoint.handshake, *others):
        if handshake is not None and handshake.chain:
            yield f"{endpoint.address} {algorithm_of(handshake)}", handshake.chain
