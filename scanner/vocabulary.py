"""The words of every record: string enums, spelled as in JSON.

A value may be added; none is ever renamed or given another meaning. Reason codes have a module of their own,
``reasons``.
"""

from enum import StrEnum
from typing import TypeVar


class Level(StrEnum):
    """Security level that a sender asks for (Postfix's ``smtp_tls_security_level``)."""

    NONE = "none"
    MAY = "may"
    ENCRYPT = "encrypt"
    FINGERPRINT = "fingerprint"
    HALF_DANE = "half-dane"  # never asked for: dane behind an insecure MX RRset
    DANE = "dane"
    DANE_ONLY = "dane-only"
    VERIFY = "verify"
    SECURE = "secure"

    @property
    def dane_based(self) -> bool:
        """True where TLSA records decide."""
        return self in (Level.HALF_DANE, Level.DANE, Level.DANE_ONLY)

    @property
    def must_match(self) -> bool:
        """True where the peer has to be authenticated."""
        return self not in (Level.NONE, Level.MAY, Level.ENCRYPT)


class Mode(StrEnum):
    """The protocol of a port: SMTP or LMTP, with STARTTLS or (``…s``) with TLS from the first octet."""

    SMTP = "smtp"
    SMTPS = "smtps"
    LMTP = "lmtp"
    LMTPS = "lmtps"

    @property
    def implicit_tls(self) -> bool:
        """True when the handshake follows the connect at once."""
        return self in (Mode.SMTPS, Mode.LMTPS)

    @property
    def lmtp(self) -> bool:
        """True when LHLO takes the place of EHLO (RFC 2033)."""
        return self in (Mode.LMTP, Mode.LMTPS)


class Family(StrEnum):
    """Address families that may be contacted."""

    ANY = "any"
    IPV4 = "ipv4"
    IPV6 = "ipv6"


class Outcome(StrEnum):
    """The outcome of a DNS question, whatever its security."""

    DATA = "data"
    NODATA = "nodata"
    NXDOMAIN = "nxdomain"
    ERROR = "error"


class Security(StrEnum):
    """DNSSEC state of an answer, RFC 4033 section 5; ``indeterminate`` where no trusted resolver answered."""

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


class FailureKind(StrEnum):
    """The kind of a failure, of the peer's side or of ours."""

    TIMEOUT = "timeout"
    REFUSED = "refused"  # TCP RST to our SYN
    UNREACHABLE = "unreachable"  # no route, host or network unreachable
    RESET = "reset"
    CLOSED = "closed"  # end of stream where a reply or TLS record was due
    REJECTED = "rejected"  # a negative reply; `code` is its code
    GARBAGE = "garbage"  # octets that are no SMTP reply
    TOO_LONG = "too-long"  # a line or reply beyond our limits
    TLS = "tls"  # the handshake failed: alert, no common parameters, bad record
    UNDECODABLE = "undecodable"  # our side: our TLS library cannot decode the certificate that the server sent
    RESOURCES = "resources"  # our side: out of descriptors, ports or memory
    LOCAL = "local"  # our side: cannot bind, not permitted
    HELD_BACK = "held-back"  # our side: the provider is in back-off, so no connection was made
    INTERNAL = "internal"  # our bug


class StartTLS(StrEnum):
    """The STARTTLS state of a probe; ``unknown`` where the dialogue ended before."""

    OFFERED = "offered"
    NOT_OFFERED = "not_offered"
    REFUSED = "refused"
    IMPLICIT = "implicit"
    UNKNOWN = "unknown"


class TLSState(StrEnum):
    """Endpoint verdict ``tls``; the first four are posttls-finger's words."""

    VERIFIED = "verified"
    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"
    ANONYMOUS = "anonymous"
    CLEARTEXT = "cleartext"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Dane(StrEnum):
    """Verdict ``dane`` of an endpoint or host."""

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
"""The order of severity of ``Dane``."""

_RANK: dict[str, int] = {word: rank for rank, word in enumerate(WORST_FIRST)}
_Word = TypeVar("_Word", bound=str)


def worst(*verdicts: _Word) -> _Word:
    """Return the most severe of several ``Dane`` verdicts of one host, which domains may see differently.

    Args:
        verdicts: at least one; a word that this version does not know is the least severe.
    """
    return min(verdicts, key=lambda word: _RANK.get(word, len(_RANK)))


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
    """Whether mail would be delivered at the level that was asked for."""

    OK = "ok"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NO_MAIL = "no_mail"


class Sender(StrEnum):
    """What a sender like Postfix smtp(8) would do at the level asked for."""

    VERIFIED = "verified"
    ENCRYPTED = "encrypted"
    CLEARTEXT = "cleartext"
    DEFER = "defer"
    BOUNCE = "bounce"
    UNKNOWN = "unknown"


class Pkix(StrEnum):
    """Whether the chain leads to the trust store, names left aside."""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"
    UNKNOWN = "unknown"


class Unusable(StrEnum):
    """Why a TLSA record cannot be used for SMTP (RFC 7672 section 3.1).

    Postfix's own parser drops the first three, OpenSSL the others; where no record is left, the effective level
    depends on which of the two dropped the last one.
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
        """True for the kinds that Postfix drops before OpenSSL reads them."""
        return self in (Unusable.TRUNCATED, Unusable.USAGE, Unusable.PRIVATE_MATCHING_TYPE)


class RunState(StrEnum):
    """The state of a run directory; every run but a ``complete`` one can be resumed."""

    RUNNING = "running"
    PAUSED = "paused"
    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
