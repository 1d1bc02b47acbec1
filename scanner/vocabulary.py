"""The vocabulary of the records: enumerations whose values are the texts in the JSON lines.

A new value may be added to an enumeration; an existing value is never renamed and never changes its meaning. The reason
codes are in the module ``reasons``.
"""

from enum import StrEnum
from typing import TypeVar


class Level(StrEnum):
    """TLS security level of a sender (Postfix's ``smtp_tls_security_level``)."""

    NONE = "none"
    MAY = "may"
    ENCRYPT = "encrypt"
    FINGERPRINT = "fingerprint"
    HALF_DANE = "half-dane"  # never requested by a user: dane behind an insecure MX RRset
    DANE = "dane"
    DANE_ONLY = "dane-only"
    VERIFY = "verify"
    SECURE = "secure"

    @property
    def dane_based(self) -> bool:
        """True if the level uses TLSA records."""
        return self in (Level.HALF_DANE, Level.DANE, Level.DANE_ONLY)

    @property
    def must_match(self) -> bool:
        """True if the level requires an authenticated server."""
        return self not in (Level.NONE, Level.MAY, Level.ENCRYPT)


class Mode(StrEnum):
    """The protocol on a port: SMTP or LMTP, with STARTTLS or (``smtps``, ``lmtps``) with TLS from the first octet."""

    SMTP = "smtp"
    SMTPS = "smtps"
    LMTP = "lmtp"
    LMTPS = "lmtps"

    @property
    def implicit_tls(self) -> bool:
        """True if the TLS handshake starts directly after the TCP connect."""
        return self in (Mode.SMTPS, Mode.LMTPS)

    @property
    def lmtp(self) -> bool:
        """True if LHLO replaces EHLO (RFC 2033)."""
        return self in (Mode.LMTP, Mode.LMTPS)


class Family(StrEnum):
    """The address families (IPv4, IPv6) of the addresses that a scan may contact."""

    ANY = "any"
    IPV4 = "ipv4"
    IPV6 = "ipv6"


class Outcome(StrEnum):
    """The outcome of a DNS question, independent of its DNSSEC state."""

    DATA = "data"
    NODATA = "nodata"
    NXDOMAIN = "nxdomain"
    ERROR = "error"


class Security(StrEnum):
    """DNSSEC state of an answer (RFC 4033 section 5); ``indeterminate`` if no trusted resolver answered."""

    SECURE = "secure"
    INSECURE = "insecure"
    BOGUS = "bogus"
    INDETERMINATE = "indeterminate"


class Phase(StrEnum):
    """The phase of a probe in which a failure occurred."""

    DNS = "dns"
    CONNECT = "connect"
    GREETING = "greeting"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    HANDSHAKE = "handshake"
    EHLO_TLS = "ehlo-tls"
    QUIT = "quit"
    DONE = "done"
    HTTP = "http"


class FailureKind(StrEnum):
    """The class of a failure of a connection or lookup, caused by the peer, by the network or by this machine."""

    TIMEOUT = "timeout"
    REFUSED = "refused"  # TCP RST to our SYN
    UNREACHABLE = "unreachable"  # no route, host or network unreachable
    RESET = "reset"
    CLOSED = "closed"  # end of stream where a reply or TLS record was due
    REJECTED = "rejected"  # a negative reply; `code` is its code
    GARBAGE = "garbage"  # octets that are not an SMTP reply
    TOO_LONG = "too-long"  # a line or reply beyond our limits
    TLS = "tls"  # the handshake failed: alert, no common parameters, bad record
    UNDECODABLE = "undecodable"  # our side: our TLS library cannot decode the certificate that the server sent
    PRIME_TOO_LARGE = "prime-too-large"  # our side: a Diffie-Hellman prime that would take too much processor time
    RESOURCES = "resources"  # our side: out of descriptors, ports or memory, or a wait of ours
    LOCAL = "local"  # our side: cannot bind, not permitted
    HELD_BACK = "held-back"  # our side: the provider is in back-off, so no connection was made
    INTERNAL = "internal"  # a bug of mxsweep


class StartTLS(StrEnum):
    """The STARTTLS state of a probe; ``unknown`` if the dialogue did not determine the state."""

    OFFERED = "offered"
    NOT_OFFERED = "not_offered"
    REFUSED = "refused"
    IMPLICIT = "implicit"
    UNKNOWN = "unknown"


class TLSState(StrEnum):
    """Verdict ``tls`` of an address; the first four values are the labels of Postfix's posttls-finger."""

    VERIFIED = "verified"
    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"
    ANONYMOUS = "anonymous"
    CLEARTEXT = "cleartext"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Dane(StrEnum):
    """Verdict ``dane`` of an address or MX host."""

    OK = "ok"
    MISMATCH = "mismatch"
    NO_TLS = "no_tls"
    UNUSABLE = "unusable"
    NONE = "none"
    INSECURE = "insecure"
    LOOKUP_FAILED = "lookup_failed"
    UNKNOWN = "unknown"


WORST_FIRST = (
    Dane.MISMATCH,
    Dane.NO_TLS,
    Dane.LOOKUP_FAILED,
    Dane.UNUSABLE,
    Dane.INSECURE,
    Dane.NONE,
    Dane.UNKNOWN,
    Dane.OK,
)
"""The values of ``Dane``, the most severe first."""

_RANK: dict[str, int] = {word: rank for rank, word in enumerate(WORST_FIRST)}
_Word = TypeVar("_Word", bound=str)


def worst(*verdicts: _Word) -> _Word:
    """Return the most severe of the ``Dane`` verdicts that one host has for several domains.

    Args:
        verdicts: at least one verdict; a value that this version of mxsweep does not know is the least severe.
    """
    return min(verdicts, key=lambda word: _RANK.get(word, len(_RANK)))


class Validation(StrEnum):
    """The way in which a run's resolver validates DNS answers: by itself, or by the AD bit of another resolver."""

    ITSELF = "itself"
    PASSES_ON = "passes-on"
    UNKNOWN = "unknown"


class DomainDane(StrEnum):
    """Verdict ``dane`` of a domain."""

    PROTECTED = "protected"
    PARTIAL = "partial"
    BROKEN = "broken"
    INSECURE = "insecure"
    NONE = "none"
    LOOKUP_FAILED = "lookup_failed"
    UNKNOWN = "unknown"
    NO_MAIL = "no_mail"


class DomainStartTLS(StrEnum):
    """Verdict ``starttls`` of a domain."""

    ALL = "all"
    SOME = "some"
    NONE = "none"
    UNKNOWN = "unknown"
    NO_MAIL = "no_mail"


class DomainOutcome(StrEnum):
    """Verdict ``outcome`` of a domain: whether mail would be delivered at the requested TLS security level."""

    OK = "ok"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NO_MAIL = "no_mail"


class Sender(StrEnum):
    """Verdict ``sender``: the action of a sender like Postfix smtp(8) at the requested TLS security level."""

    VERIFIED = "verified"
    ENCRYPTED = "encrypted"
    CLEARTEXT = "cleartext"
    DEFER = "defer"
    BOUNCE = "bounce"
    UNKNOWN = "unknown"


class Pkix(StrEnum):
    """Verdict ``pkix``: whether a path of the certificate chain ends in the trust store, without regard to names."""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"
    UNKNOWN = "unknown"


class CertAlg(StrEnum):
    """The algorithm of the key of a server certificate; a server may have one certificate for each algorithm."""

    RSA = "rsa"
    ECDSA = "ecdsa"
    EDDSA = "eddsa"
    MLDSA = "mldsa"
    OTHER = "other"


class PostQuantum(StrEnum):
    """The post-quantum readiness of a server: whether the server supports post-quantum key exchange."""

    PREFERRED = "preferred"
    SUPPORTED = "supported"
    NO = "no"
    TLS12 = "tls12"
    UNKNOWN = "unknown"


class Served(StrEnum):
    """Whether a server has a certificate with a key of one algorithm; ``no`` only after a TLS alert of the server."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class TXTRecord(StrEnum):
    """The state of a TXT record that begins with a version, such as ``v=STSv1``."""

    ABSENT = "absent"
    VALID = "valid"
    MULTIPLE = "multiple"
    INVALID = "invalid"
    LOOKUP_FAILED = "lookup_failed"
    UNKNOWN = "unknown"


class PolicyMode(StrEnum):
    """The mode of an MTA-STS policy (RFC 8461 section 3.2)."""

    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"


class HostSTS(StrEnum):
    """Verdict ``sts`` of an MX host: whether the MTA-STS policy of a domain allows delivery to the host."""

    OK = "ok"
    PATTERN_MISMATCH = "pattern_mismatch"
    NO_TLS = "no_tls"
    UNTRUSTED = "untrusted"
    NAME_MISMATCH = "name_mismatch"
    NONE = "none"
    UNKNOWN = "unknown"


class DomainSTS(StrEnum):
    """Verdict ``sts`` of a domain: whether its MTA-STS policy protects delivery to its MX hosts."""

    PROTECTED = "protected"
    TESTING = "testing"
    OFF = "off"
    BROKEN = "broken"
    INVALID = "invalid"
    NONE = "none"
    LOOKUP_FAILED = "lookup_failed"
    UNKNOWN = "unknown"
    NO_MAIL = "no_mail"


class Mechanism(StrEnum):
    """Verdict ``mechanism`` of a domain: the protection of mail to the domain if the sender uses DANE and MTA-STS."""

    DANE = "dane"
    STS = "sts"
    BOTH = "both"
    OPPORTUNISTIC = "opportunistic"
    CLEARTEXT = "cleartext"
    BROKEN = "broken"
    NO_MAIL = "no_mail"
    UNKNOWN = "unknown"


class Unusable(StrEnum):
    """The defect that makes a TLSA record unusable for SMTP (RFC 7672 section 3.1).

    Postfix's parser drops TLSA records with the defect ``truncated``, ``usage`` or ``private-matching-type``; OpenSSL
    drops TLSA records with any other defect. If all TLSA records are dropped, Postfix's effective TLS security level
    depends on whether Postfix's parser dropped all of them.
    """

    TRUNCATED = "truncated"
    USAGE = "usage"
    PRIVATE_MATCHING_TYPE = "private-matching-type"
    SELECTOR = "selector"
    MATCHING_TYPE = "matching-type"
    DIGEST_LENGTH = "digest-length"
    BAD_CERTIFICATE = "bad-certificate"
    BAD_KEY = "bad-key"

    @property
    def by_parser(self) -> bool:
        """True if Postfix drops the TLSA record before OpenSSL reads it."""
        return self in (Unusable.TRUNCATED, Unusable.USAGE, Unusable.PRIVATE_MATCHING_TYPE)


class RunState(StrEnum):
    """The state of a run directory; a run in any state but ``complete`` can be resumed."""

    RUNNING = "running"
    PAUSED = "paused"
    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
