"""Evidence, verdicts and all records of the output files, as immutable objects without behaviour.

Facts are observations (``facts``), evidence is the result of comparing facts, and verdicts are computed from evidence.
Evidence and verdicts can be computed again from stored facts. The field names of the classes are the member names of
the JSON lines; the first member of a JSON line is the key of the line.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from scanner.facts import Answer, Probe, TLSALookup, TLSARecord
from scanner.reasons import TLSRPT, Reason
from scanner.sts import STSReport, TLSRPTReport
from scanner.vocabulary import (
    CertAlg,
    Dane,
    DomainDane,
    DomainOutcome,
    DomainStartTLS,
    DomainSTS,
    HostSTS,
    Level,
    Mechanism,
    Mode,
    Pkix,
    PostQuantum,
    RunState,
    Sender,
    Served,
    StartTLS,
    TLSState,
)
from scanner.worker_status import ScanWorker, Vantage, WorkerStatus

SCHEMA = 1
"""Version of the formats of JSON lines; it increases by one if a member changes its meaning, never for a new member."""


# --- evidence -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PathError:
    """A defect of a certificate path: OpenSSL's X509_V_ERR number, the depth (0 = leaf) and OpenSSL's message."""

    num: int
    depth: int
    text: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class DaneEvidence:
    """The result of comparing TLSA records with a certificate chain.

    The names of the certificate are not compared, because the expected names depend on the domain. ``record`` is the
    TLSA record that matched the certificate at ``depth`` (0 = leaf). ``bare_key`` is true if the key in a TLSA record
    ``2 1 0`` verified the signature of the topmost certificate. ``needs_name`` is true for usage 2, which requires a
    matching certificate name. ``errors`` lists the path errors that prevent authentication, from the leaf upwards; if
    no TLSA record matches, ``depth`` is -1 and ``errors`` contains OpenSSL's error 65.
    """

    record: TLSARecord | None
    depth: int
    bare_key: bool
    needs_name: bool
    path: tuple[str, ...]
    errors: tuple[PathError, ...] = ()

    @property
    def matched(self) -> bool:
        """True if a TLSA record matches and the certificate path has no errors; certificate names are not compared."""
        return self.record is not None and not self.errors


@dataclass(frozen=True, slots=True)
class PkixEvidence:
    """The result of verifying a certificate chain with a trust store, without a comparison of names.

    ``errors`` lists the path errors, from the leaf upwards.
    """

    path: tuple[str, ...]
    errors: tuple[PathError, ...] = ()


@dataclass(frozen=True, slots=True)
class AlgorithmReport:
    """A probe that accepted only a server certificate with a key of one algorithm, and the evidence from the probe.

    ``dane`` and ``pkix`` are None unless the server sent a certificate with a key of the algorithm ``alg``.
    """

    alg: CertAlg
    served: Served
    probe: Probe
    dane: DaneEvidence | None = None
    pkix: PkixEvidence | None = None


@dataclass(frozen=True, slots=True)
class EndpointReport:
    """One address of an MX host: the probes in the order in which they were made, and the evidence from the probes.

    The first probe has the TLS profile of the TLS security level. ``core.verdict.roles`` selects the probe that
    represents the address; ``dane`` and ``pkix`` are that probe's evidence. ``earlier`` contains the probes of earlier
    scan passes, oldest first, which no verdict uses. ``algorithms`` contains probes for certificates with other key
    algorithms, ``pq_probe`` the probe for post-quantum groups. mxsweep 0.1.0 did not set ``pq`` and ``pq_signature``.
    """

    address: str
    probes: tuple[Probe, ...]
    dane: DaneEvidence | None = None
    pkix: PkixEvidence | None = None
    earlier: tuple[Probe, ...] = ()
    algorithms: tuple[AlgorithmReport, ...] = ()
    pq: PostQuantum | None = None
    pq_signature: Served | None = None
    pq_probe: Probe | None = None

    @property
    def all_probes(self) -> tuple[Probe, ...]:
        """All probes of the address except ``earlier``; the run directory contains the certificates of these probes."""
        others = [each.probe for each in self.algorithms]
        return (*self.probes, *others) if self.pq_probe is None else (*self.probes, *others, self.pq_probe)


@dataclass(frozen=True, slots=True)
class Skipped:
    """An address of an MX host that the scan did not contact, and the reason."""

    address: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class HostReport:
    """The observations of one MX host: DNS answers, TLSA lookup and every address.

    ``vantages`` contains the machines that examined the host in a scan with ``--dask``.
    ``inferred`` is ``{"from": KEY}`` if this host was not probed: its endpoints are then those of the host KEY.
    """

    key: str
    host: str
    port: int
    mode: Mode
    a: Answer | None
    aaaa: Answer | None
    tlsa: TLSALookup
    endpoints: tuple[EndpointReport, ...]
    skipped: tuple[Skipped, ...]
    observed_at: datetime
    vantages: tuple[Vantage, ...] = ()
    inferred: dict[str, str] | None = None
    schema: int = SCHEMA


# --- routes and verdicts --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RouteHost:
    """An MX host of a destination, and its preference."""

    host: str
    preference: int


@dataclass(frozen=True, slots=True)
class Route:
    """The MX hosts of a destination, and the DNS answer from which the MX hosts follow.

    ``mx`` is None for a destination without MX lookup (``[host]``, address, LMTP). ``names`` contains the names of the
    domain that are reference identifiers: the MX query name and, behind an alias, the MX owner name (RFC 7672 section
    3.2.2). ``final`` is the reason if the route alone determines the verdict (null MX, lookup failure).
    """

    hosts: tuple[RouteHost, ...]
    mx: Answer | None = None
    names: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    final: Reason | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class EndpointVerdict:
    """The verdict of one address for one domain.

    ``algorithms`` contains the DANE verdict of each server certificate by key algorithm, the certificate for the
    default TLS offer first, and is empty if only one certificate was requested. ``dane`` is the most severe verdict in
    ``algorithms``. All members except ``algorithms`` and ``dane`` describe the session with the default TLS offer.
    """

    address: str
    tls: TLSState
    dane: Dane
    pkix: Pkix
    starttls: StartTLS
    sender: Sender
    pkix_error: str = ""
    name_match: tuple[str, ...] = ()
    level: Level = Level.DANE
    reasons: tuple[Reason, ...] = ()
    tlsrpt: tuple[TLSRPT, ...] = ()
    text: str = ""
    algorithms: dict[CertAlg, Dane] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HostVerdict:
    """The verdict of one MX host for one domain.

    ``report`` is the key of the HostReport, None if the host was not examined. ``votes`` is true if the host affects
    the verdict of the domain. ``conclusive`` is true if another probe would not change what a sender does at this host.
    ``sts`` is None if the scan did not examine MTA-STS.
    """

    host: str
    preference: int
    report: str | None
    dane: Dane
    starttls: DomainStartTLS
    sender: Sender
    votes: bool
    conclusive: bool
    endpoints: tuple[EndpointVerdict, ...] = ()
    reasons: tuple[Reason, ...] = ()
    text: str = ""
    sts: HostSTS | None = None


@dataclass(frozen=True, slots=True)
class DomainVerdict:
    """The verdict of a domain.

    ``sts``, ``sender_sts`` (for a sender that uses only MTA-STS), ``sender_both`` (for a sender that uses DANE and
    MTA-STS) and ``mechanism`` are None if the scan did not examine MTA-STS.
    """

    outcome: DomainOutcome
    sender: Sender
    dane: DomainDane
    starttls: DomainStartTLS
    level: Level
    reasons: tuple[Reason, ...] = ()
    tlsrpt: tuple[TLSRPT, ...] = ()
    text: str = ""
    sts: DomainSTS | None = None
    sender_sts: Sender | None = None
    sender_both: Sender | None = None
    mechanism: Mechanism | None = None


@dataclass(frozen=True, slots=True)
class TargetInfo:
    """The entry of a domain in an input list: the text of the entry, file and line, rank and other columns."""

    raw: str
    source: str = ""
    line: int = 0
    rank: int | None = None
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CertSummary:
    """A summary of a certificate, which ``scan --output -`` writes into the line of a domain."""

    subject: str
    dns_names: tuple[str, ...] = ()
    not_before: datetime | None = None
    not_after: datetime | None = None


@dataclass(frozen=True, slots=True)
class DomainRecord:
    """One line of domains.jsonl.

    ``sts`` and ``tlsrpt`` are None if the scan did not examine MTA-STS, or the domain accepts no mail. ``reports`` and
    ``certificates`` (by SHA-256) are set only in the domain lines of ``scan --output -``.
    """

    key: str
    target: TargetInfo
    route: Route
    hosts: tuple[HostVerdict, ...]
    verdict: DomainVerdict
    observed_at: datetime
    reports: tuple[HostReport, ...] | None = None
    certificates: dict[str, CertSummary] | None = None
    sts: STSReport | None = None
    tlsrpt: TLSRPTReport | None = None
    schema: int = SCHEMA


# --- the run --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RejectRecord:
    """One line of rejects.jsonl: an input line that was not scanned; ``raw`` is the text, ``key`` is ``file:line``."""

    key: str
    file: str
    line: int
    raw: str
    reason: str
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True)
class InputSource:
    """An input list; ``sha256`` is None for an input that cannot be read twice (standard input)."""

    source: str
    sha256: str | None = None
    lines: int = 0


@dataclass(frozen=True, slots=True)
class RunHeader:
    """The content of run.json, which suffices to repeat a run; ``settings`` contains all settings of the scan."""

    version: str
    started: datetime
    state: RunState
    finished: datetime | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    resolver: str = ""
    ehlo: str = ""
    vantage: Vantage = field(default_factory=Vantage)
    input: tuple[InputSource, ...] = ()
    preflight: dict[str, Any] | None = None
    totals: dict[str, int] = field(default_factory=dict)
    label: str = ""
    reject_reasons: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    workers: tuple[ScanWorker, ...] = ()
    schema: int = SCHEMA

    @property
    def seconds(self) -> float | None:
        """The sum of the durations in seconds of all scan processes of the run; None for an unfinished run.

        For a run of version 0.1.0, which recorded no durations: the time from ``started`` to ``finished``.
        """
        if self.finished is None:
            return None
        return self.totals.get("seconds", (self.finished - self.started).total_seconds())


# --- a scan in progress --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A provider (registrable domain of an MX host) or network in back-off after it refused this scanner."""

    name: str
    endpoints: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Status:
    """A line of the status file: the state of a scan at one moment, as in the progress display and the metrics.

    In a resumed run, ``total``, ``done`` and ``rejects`` count the whole run; the other members describe the process of
    the scan, or the running jobs of a scan with ``--dask``. ``stage`` is the stage of a scan with ``--dask``, and
    ``workers`` are its running jobs.
    """

    at: datetime
    state: RunState
    elapsed: float
    total: int | None
    done: int
    rate: float
    eta: float | None
    in_flight: dict[str, int]
    endpoints_probed: int
    endpoints_shared: int
    shared_ratio: float | None
    breakers: int
    held_back: tuple[HeldBack, ...]
    retrying: int
    waiting: str
    rss: int
    rejects: int
    internal_errors: int
    outcome: dict[str, int]
    dane: dict[str, int]
    stage: str = ""
    workers: tuple[WorkerStatus, ...] = ()
    schema: int = SCHEMA
