"""Every record that crosses a room: frozen values without behaviour.

Facts (what was observed), then evidence (facts compared), then verdicts (evidence judged). Facts are stored;
evidence and verdicts can be computed from them again. The field names are the field names of the JSON lines; a
record that is written as a line of its own has its key as the first member. RRsets and lists without an order of
their own are sorted, so that two runs compare.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from scanner.vocabulary import (
    TLSRPT,
    Dane,
    DomainDane,
    DomainOutcome,
    DomainStartTLS,
    FailureKind,
    Level,
    Mode,
    Outcome,
    Phase,
    Pkix,
    Reason,
    RunState,
    Security,
    Sender,
    StartTLS,
    TLSState,
    Unusable,
)

SCHEMA = 1
"""Version of the line formats; it grows by one when a member changes its meaning, never for an addition."""


# --- facts: DNS -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Alias:
    """One CNAME step of an answer. Names are absolute, lower case, without the final dot."""

    owner: str
    target: str
    security: Security


@dataclass(frozen=True, slots=True)
class EDE:
    """Extended DNS error, RFC 8914."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class SecondOpinion:
    """What another resolver says where the first one failed.

    ``security`` is as that resolver says, whoever may be on the way. ``disagrees`` when it told what the first could
    not tell: data, a clean negative, or that validation is what fails. No verdict follows from any of it.
    """

    resolver: str
    outcome: Outcome
    security: Security
    rcode: str = ""
    error: str = ""
    disagrees: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What one DNS question brought.

    ``records`` are sorted texts: ``10 mx.example`` for MX, an address for A and AAAA, a name for CNAME, the rdata
    in lower-case hex for TLSA (undecoded: a malformed record is a fact too). ``rname`` is the owner of the records
    after aliases, equal to ``name`` when there were none. ``error`` says in words why the outcome is ``error``;
    ``second`` is what another resolver said then, where one was to be asked.
    """

    name: str
    rtype: str
    outcome: Outcome
    security: Security
    records: tuple[str, ...] = ()
    rname: str = ""
    rcode: str = ""
    aliases: tuple[Alias, ...] = ()
    ede: tuple[EDE, ...] = ()
    ttl: int = 0
    resolver: str = ""
    error: str = ""
    ms: float = 0.0
    second: SecondOpinion | None = None


@dataclass(frozen=True, slots=True)
class TLSARecord:
    """A TLSA record as published; ``data`` is lower-case hex, ``unusable`` says why it cannot be compared."""

    usage: int
    selector: int
    matching_type: int
    data: str
    unusable: Unusable | None = None


@dataclass(frozen=True, slots=True)
class TLSALookup:
    """The search for TLSA records of a host (RFC 7672 section 2.2.2), whole.

    ``dane`` holds what DNS alone decides (``none insecure lookup_failed unusable unknown``), or None when there are
    usable records and the connection decides. ``steps`` are the questions asked, in order: TLSA at the expanded
    name, a CNAME check, TLSA at the original name. ``base_domain`` is the name whose records count, also the SNI.
    """

    base_domain: str
    records: tuple[TLSARecord, ...]
    dane: Dane | None
    reason: Reason | None
    steps: tuple[Answer, ...] = ()


# --- facts: the connection ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is probed once, and the key of that probe.

    ``sni`` is None when none is sent; ``profile`` names the TLS profile of the client. For UNIX sockets ``address``
    is the path and ``port`` 0.
    """

    address: str
    port: int
    sni: str | None
    mode: Mode
    profile: str


@dataclass(frozen=True, slots=True)
class Failure:
    """How a remote (or, marked so, a local) thing went wrong. A value, never raised.

    ``code`` is the SMTP reply code or errno; ``text`` the peer's or the library's own words, bounded.
    """

    phase: Phase
    kind: FailureKind
    code: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """An SMTP reply: the last line's code and the text of each line (RFC 5321 section 4.2)."""

    code: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Handshake:
    """A completed TLS handshake. ``chain`` holds the SHA-256 of each certificate as sent, leaf first.

    ``bits`` are the cipher's secret bits, ``alg_bits`` those of its algorithm. ``signature`` is the TLS signature
    scheme that the server used (IANA name), None where it is not known.
    """

    version: str
    cipher: str
    bits: int
    alg_bits: int
    group: str | None
    signature: str | None
    sni: str | None
    chain: tuple[str, ...]
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class Probe:
    """One connection to one endpoint, whole; it may hold both a handshake and a failure.

    ``ms`` are milliseconds by phase that was entered. ``transcript`` has ``< `` and ``> `` lines, bounded, with
    anything unprintable replaced. ``defects`` are breaches of the protocol that did not stop the dialogue.
    """

    endpoint: Endpoint
    started: datetime
    ms: dict[str, float]
    starttls: StartTLS
    banner: Reply | None = None
    ehlo: Reply | None = None
    keywords: tuple[str, ...] = ()
    starttls_reply: Reply | None = None
    handshake: Handshake | None = None
    ehlo_tls: Reply | None = None
    failure: Failure | None = None
    defects: tuple[str, ...] = ()
    transcript: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CertFacts:
    """A certificate, kept once by the SHA-256 of its DER.

    Names of subject and issuer are OpenSSL one-line forms. ``parse_error`` is set when OpenSSL took it and our
    parser did not: then only the digests (and what could be read) stand. ``spki_*`` are over the
    SubjectPublicKeyInfo octets as they stand in the certificate; they are empty if those could not be found.
    ``curve`` is the OpenSSL name of an EC key's curve.
    """

    sha256: str
    sha512: str
    spki_sha256: str
    spki_sha512: str
    der: bytes
    subject: str = ""
    issuer: str = ""
    subject_cns: tuple[str, ...] = ()
    issuer_cn: str = ""
    dns_names: tuple[str, ...] = ()
    ip_names: tuple[str, ...] = ()
    odd_names: tuple[str, ...] = ()
    not_before: datetime | None = None
    not_after: datetime | None = None
    key_type: str = ""
    key_bits: int = 0
    curve: str = ""
    signature_algorithm: str = ""
    is_ca: bool | None = None
    path_length: int | None = None
    ext_key_usage: tuple[str, ...] = ()
    self_issued: bool = False
    parse_error: str = ""


# --- evidence -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PathError:
    """A defect of a certificate path: OpenSSL's X509_V_ERR number, the depth (0 = leaf) and OpenSSL's words."""

    num: int
    depth: int
    text: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class DaneEvidence:
    """TLSA records against a chain, names left aside (they depend on the domain).

    ``record`` is the record that matched, at ``depth``; ``bare_key`` when a ``2 1 0`` key verified the topmost
    signature. ``needs_name`` is true for usage 2. ``errors`` are what keeps the match from counting, nearest to the
    leaf first; with no match (``depth`` -1) error 65 is among them.
    """

    record: TLSARecord | None
    depth: int
    bare_key: bool
    needs_name: bool
    path: tuple[str, ...]
    errors: tuple[PathError, ...] = ()

    @property
    def matched(self) -> bool:
        """True when a record matches and nothing but a name could still be wrong."""
        return self.record is not None and not self.errors


@dataclass(frozen=True, slots=True)
class PkixEvidence:
    """A chain against a trust store, names left aside; ``errors`` nearest to the leaf first, empty = trusted."""

    path: tuple[str, ...]
    errors: tuple[PathError, ...] = ()


@dataclass(frozen=True, slots=True)
class EndpointReport:
    """One address of an MX host: its probes, the first being the level's own, and their evidence.

    Evidence belongs to the last probe that has a handshake with a certificate. ``earlier`` are the probes of earlier
    passes, oldest first, which tell nothing any more.
    """

    address: str
    probes: tuple[Probe, ...]
    dane: DaneEvidence | None = None
    pkix: PkixEvidence | None = None
    earlier: tuple[Probe, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """An address that was not contacted, and why."""

    address: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class HostReport:
    """One MX host: DNS, TLSA and every address. ``key`` names the examination (host, port, mode)."""

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
    schema: int = SCHEMA


# --- routes and verdicts --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RouteHost:
    """An MX host of a domain, in the order in which a sender tries them."""

    host: str
    preference: int


@dataclass(frozen=True, slots=True)
class Route:
    """Where mail for a destination goes.

    ``mx`` is None where no MX lookup was due (``[host]``, address, LMTP). ``names`` are the domain's own reference
    identifiers: the MX query name and, behind an alias, the MX owner name (RFC 7672 section 3.2.2). ``final`` is
    set where the route alone decides: null MX, lookup failure, and so on.
    """

    hosts: tuple[RouteHost, ...]
    mx: Answer | None = None
    names: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    final: Reason | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class EndpointVerdict:
    """How one address looks to one domain."""

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


@dataclass(frozen=True, slots=True)
class HostVerdict:
    """How one MX host looks to one domain.

    ``report`` is the key of its HostReport, None if never examined. ``votes`` says whether the host has a say in the
    domain's verdict; ``conclusive`` whether what was seen settles what a sender does with it, so that another attempt
    would not change it.
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


@dataclass(frozen=True, slots=True)
class DomainVerdict:
    """The answer to the question that was asked about a domain."""

    outcome: DomainOutcome
    sender: Sender
    dane: DomainDane
    starttls: DomainStartTLS
    level: Level
    reasons: tuple[Reason, ...] = ()
    tlsrpt: tuple[TLSRPT, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class TargetInfo:
    """What the list said about a domain: the text as given, where it stood, rank and other columns."""

    raw: str
    source: str = ""
    line: int = 0
    rank: int | None = None
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CertSummary:
    """A certificate in short, where a domain line stands alone."""

    subject: str
    dns_names: tuple[str, ...] = ()
    not_before: datetime | None = None
    not_after: datetime | None = None


@dataclass(frozen=True, slots=True)
class DomainRecord:
    """One line of domains.jsonl.

    ``reports`` and ``certificates`` (by SHA-256) are filled only where lines stand alone (``--output -``).
    """

    key: str
    target: TargetInfo
    route: Route
    hosts: tuple[HostVerdict, ...]
    verdict: DomainVerdict
    observed_at: datetime
    reports: tuple[HostReport, ...] | None = None
    certificates: dict[str, CertSummary] | None = None
    schema: int = SCHEMA


# --- the run --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RejectRecord:
    """One line of rejects.jsonl: input that was not scanned, ``raw`` as given; ``key`` is ``file:line``."""

    key: str
    file: str
    line: int
    raw: str
    reason: str
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True)
class Vantage:
    """The machine a run was made from."""

    hostname: str = ""
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InputSource:
    """A list that was scanned; ``sha256`` is None for what cannot be read twice (standard input)."""

    source: str
    sha256: str | None = None
    lines: int = 0


@dataclass(frozen=True, slots=True)
class RunHeader:
    """run.json: what is needed to understand a run, or to make it again. ``settings`` holds every setting."""

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
    schema: int = SCHEMA
