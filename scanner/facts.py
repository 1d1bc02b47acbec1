"""Facts: the records of observations (DNS answers, connections, certificates), as immutable objects without behaviour.

A run directory contains the facts of a run. Evidence and verdicts (module ``model``) are computed from the facts, and
can be computed again. RRsets and lists without a significant order are sorted, so that two runs can be compared.
"""

from dataclasses import dataclass
from datetime import datetime

from scanner.reasons import Reason
from scanner.vocabulary import Dane, FailureKind, Mode, Outcome, Phase, Security, StartTLS, Unusable

# --- DNS ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Alias:
    """One CNAME step in the alias chain of a DNS answer.

    The domain names ``owner`` and ``target`` are absolute and in lower case, without the final dot.
    """

    owner: str
    target: str
    security: Security


@dataclass(frozen=True, slots=True)
class EDE:
    """An extended DNS error (RFC 8914)."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class SecondOpinion:
    """The answer of another resolver (``--confirm``) to a DNS question that the resolver of the scan could not answer.

    ``security`` is the DNSSEC state that the other resolver reported; the state may have been forged in transit.
    ``disagrees`` is true if the answer of the other resolver is conclusive (data, NODATA, NXDOMAIN) or shows that
    validation fails. No verdict depends on the answer of the other resolver.
    """

    resolver: str
    outcome: Outcome
    security: Security
    rcode: str = ""
    error: str = ""
    disagrees: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one DNS question.

    ``records`` contains sorted texts: ``10 mx.example`` for MX, an address for A and AAAA, a name for CNAME, the rdata
    in lower-case hex for TLSA (undecoded, so that malformed TLSA records are recorded too). ``name`` is the name in the
    question, and ``rname`` is the owner name of the records at the end of the alias chain; the two names are equal if
    ``name`` is not an alias. If ``outcome`` is ``error``, ``error`` is the cause as text, and ``second`` is the answer
    of the resolver that ``--confirm`` names.
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
    """A TLSA record as the domain published it.

    ``data`` is the certificate association data in lower-case hex. ``unusable`` is the reason why SMTP cannot use the
    record.
    """

    usage: int
    selector: int
    matching_type: int
    data: str
    unusable: Unusable | None = None


@dataclass(frozen=True, slots=True)
class TLSALookup:
    """The TLSA lookup of a host (RFC 7672 section 2.2.2), with every DNS answer.

    ``dane`` is the DANE verdict that follows from DNS alone (``none insecure lookup_failed unusable unknown``), or None
    if usable records exist, so that the verdict depends on the connection. ``steps`` contains the DNS answers of the
    lookup in order: TLSA at the expanded name, a CNAME check, TLSA at the original name. ``base_domain`` is the TLSA
    base domain, which a client at a DANE security level also sends as SNI. ``defects`` lists faults of the TLSA records
    that do not prevent delivery: ``tlsa-many`` means more than 100 TLSA records.
    """

    base_domain: str
    records: tuple[TLSARecord, ...]
    dane: Dane | None
    reason: Reason | None
    steps: tuple[Answer, ...] = ()
    defects: tuple[str, ...] = ()


# --- the connection -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The key of a probe: address, port, SNI, mode and TLS profile.

    All domains whose MX hosts have the same endpoint share one probe. ``sni`` is the server name to send in TLS, or
    None to send no name. ``profile`` is the name of the TLS profile of the client. For a UNIX socket, ``address`` is
    the path of the socket and ``port`` is 0.
    """

    address: str
    port: int
    sni: str | None
    mode: Mode
    profile: str

    def __hash__(self) -> int:
        """Return a hash of address and SNI only, which takes less time than a hash of all fields.

        A hash of the address alone would collide: a provider may have thousands of MX names, each with its SNI, on few
        addresses.
        """
        return hash((self.address, self.sni))


@dataclass(frozen=True, slots=True)
class Failure:
    """The failure of a connection or lookup.

    ``kind`` is the class of the failure, such as ``timeout``. ``code`` is the SMTP reply code or errno; ``text`` is the
    message of the peer, the operating system or a library, of bounded length.
    """

    phase: Phase
    kind: FailureKind
    code: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """An SMTP reply: the code of its last line and the text of each line (RFC 5321 section 4.2)."""

    code: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Handshake:
    """A completed TLS handshake.

    ``chain`` contains the SHA-256 of each certificate that the server sent, in the server's order (leaf first).
    ``bits`` is the number of secret bits of the cipher, and ``alg_bits`` is the key size of the cipher's algorithm.
    ``signature`` is the TLS signature scheme that the server used (IANA name), None if it is not known. ``retried`` is
    true if the server asked for a second ClientHello (HelloRetryRequest).
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
    retried: bool = False


@dataclass(frozen=True, slots=True)
class Probe:
    """One connection to one endpoint; a probe that failed after the TLS handshake contains a handshake and a failure.

    ``ms`` contains the duration in milliseconds of each phase that the probe began. ``transcript`` contains the lines
    of the SMTP dialogue, limited in number, with unprintable characters replaced; a received line begins with
    ``< ``, a sent line with ``> ``. ``defects`` lists protocol violations that did not end the dialogue.
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


# --- certificates ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CertFacts:
    """A certificate, stored once under the SHA-256 of its DER.

    The names of subject and issuer have the one-line form of OpenSSL. ``parse_error`` is the fault if mxsweep could not
    decode the certificate, wholly or in part, or if its public key is not in DER. Only the digests and the fields that
    could be decoded are set. ``spki_*`` are the digests of the SubjectPublicKeyInfo in DER, as OpenSSL encodes it; the
    digests are empty if the SubjectPublicKeyInfo could not be found. ``curve`` is OpenSSL's name for the curve of an EC
    key.
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
