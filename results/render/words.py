"""Short texts for verdict values, for mail operators; ``scanner.reasons`` contains the texts for reason codes."""

from scanner.reasons import Reason
from scanner.vocabulary import (
    Dane,
    DomainDane,
    DomainOutcome,
    DomainStartTLS,
    DomainSTS,
    HostSTS,
    Mechanism,
    PostQuantum,
    Security,
    Sender,
    Served,
    TLSState,
    TXTRecord,
)

SENDER: dict[Sender, str] = {
    Sender.VERIFIED: "delivers over TLS to an authenticated server",
    Sender.ENCRYPTED: "delivers over TLS without authenticating the server",
    Sender.CLEARTEXT: "delivers in clear text",
    Sender.DEFER: "delivers nothing now and tries again later",
    Sender.BOUNCE: "returns the mail: no server accepts mail for this domain",
    Sender.UNKNOWN: "cannot be predicted from here",
}
"""Descriptions of the values of ``sender``; each description is printed after the words "a sender"."""

DOMAIN_DANE: dict[DomainDane, str] = {
    DomainDane.PROTECTED: "every MX host that answers matches its TLSA records",
    DomainDane.PARTIAL: "some MX hosts match their TLSA records, and other MX hosts have no usable TLSA records",
    DomainDane.BROKEN: "an MX host does not match its TLSA records, or offers no TLS",
    DomainDane.INSECURE: "the MX records are not DNSSEC-signed",
    DomainDane.NONE: "no MX host has usable TLSA records",
    DomainDane.LOOKUP_FAILED: "the MX lookup failed or is bogus",
    DomainDane.UNKNOWN: "the DANE verdict could not be determined",
    DomainDane.NO_MAIL: "the domain takes no mail",
}

DOMAIN_STARTTLS: dict[DomainStartTLS, str] = {
    DomainStartTLS.ALL: "TLS works at every MX host",
    DomainStartTLS.SOME: "TLS works at some MX hosts only",
    DomainStartTLS.NONE: "TLS works at no MX host",
    DomainStartTLS.UNKNOWN: "it is not known whether TLS works at every MX host",
    DomainStartTLS.NO_MAIL: "the domain takes no mail",
}

OUTCOME: dict[DomainOutcome, str] = {
    DomainOutcome.OK: "mail is delivered",
    DomainOutcome.FAIL: "mail is not delivered",
    DomainOutcome.INCONCLUSIVE: "it is not known whether mail is delivered",
    DomainOutcome.NO_MAIL: "the domain takes no mail",
}

DOMAIN_STS: dict[DomainSTS, str] = {
    DomainSTS.PROTECTED: "every MX host that answers satisfies the MTA-STS policy",
    DomainSTS.TESTING: "the MTA-STS policy is in mode testing, so senders only report failures",
    DomainSTS.OFF: "the MTA-STS policy is in mode none, which ends the use of MTA-STS",
    DomainSTS.BROKEN: "an MX host does not satisfy the MTA-STS policy",
    DomainSTS.INVALID: "the MTA-STS record or policy has a fault, so senders use no policy",
    DomainSTS.NONE: "the domain has no MTA-STS record",
    DomainSTS.LOOKUP_FAILED: "a lookup for MTA-STS failed, or the policy host did not answer",
    DomainSTS.UNKNOWN: "the MTA-STS verdict could not be determined",
    DomainSTS.NO_MAIL: "the domain takes no mail",
}

HOST_STS: dict[HostSTS, str] = {
    HostSTS.OK: "MTA-STS holds",
    HostSTS.PATTERN_MISMATCH: "not listed in the MTA-STS policy",
    HostSTS.NO_TLS: "MTA-STS, but no TLS",
    HostSTS.UNTRUSTED: "MTA-STS, but the certificate is not trusted",
    HostSTS.NAME_MISMATCH: "MTA-STS, but the certificate is for another name",
    HostSTS.NONE: "no MTA-STS policy",
    HostSTS.UNKNOWN: "MTA-STS could not be determined",
}

MECHANISM: dict[Mechanism, str] = {
    Mechanism.DANE: "DANE",
    Mechanism.STS: "MTA-STS",
    Mechanism.BOTH: "DANE and MTA-STS",
    Mechanism.OPPORTUNISTIC: "none: TLS without authentication",
    Mechanism.CLEARTEXT: "none: clear text",
    Mechanism.BROKEN: "the mechanism that applies fails",
    Mechanism.NO_MAIL: "the domain takes no mail",
    Mechanism.UNKNOWN: "the mechanism could not be determined",
}
"""Descriptions of the mechanism that protects mail from a sender that uses both DANE and MTA-STS."""

TXT_RECORD: dict[TXTRecord, str] = {
    TXTRecord.ABSENT: "the domain has no TXT record of the protocol (MTA-STS or TLSRPT)",
    TXTRecord.VALID: "the domain has one TXT record of the protocol (MTA-STS or TLSRPT), with correct syntax",
    TXTRecord.MULTIPLE: "the domain has several TXT records of the protocol (MTA-STS or TLSRPT), so senders use none",
    TXTRecord.INVALID: "the domain has one TXT record of the protocol (MTA-STS or TLSRPT), with a syntax error",
    TXTRecord.LOOKUP_FAILED: "the lookup of the TXT record failed",
    TXTRecord.UNKNOWN: "the state of the TXT record could not be determined",
}

HOST_DANE: dict[Dane, str] = {
    Dane.OK: "DANE matches",
    Dane.MISMATCH: "DANE does not match",
    Dane.NO_TLS: "TLSA records, but no TLS",
    Dane.UNUSABLE: "no usable TLSA record",
    Dane.NONE: "no TLSA records",
    Dane.INSECURE: "DNS not signed",
    Dane.LOOKUP_FAILED: "TLSA lookup failed",
    Dane.UNKNOWN: "DANE could not be determined",
}

SERVED: dict[Served, str] = {
    Served.YES: "the server has a certificate with the key algorithm",
    Served.NO: "the server has no certificate with the key algorithm",
    Served.UNKNOWN: "it is not known whether the server has a certificate with the key algorithm",
}

POST_QUANTUM: dict[PostQuantum, str] = {
    PostQuantum.PREFERRED: "a post-quantum group was negotiated",
    PostQuantum.SUPPORTED: "the server prefers a classical group, and accepts a post-quantum group",
    PostQuantum.NO: "the server accepts no post-quantum group",
    PostQuantum.TLS12: "the server negotiates TLS 1.2 or older, which has no post-quantum group",
    PostQuantum.UNKNOWN: "the post-quantum readiness of the server could not be determined",
}

TLS: dict[TLSState, str] = {
    TLSState.VERIFIED: "TLS, verified",
    TLSState.TRUSTED: "TLS, from a trusted authority",
    TLSState.UNTRUSTED: "TLS, not authenticated",
    TLSState.ANONYMOUS: "TLS without a certificate",
    TLSState.CLEARTEXT: "no TLS",
    TLSState.FAILED: "TLS failed",
    TLSState.UNKNOWN: "could not be judged",
}

SECURITY: dict[Security, str] = {
    Security.SECURE: "DNSSEC-signed",
    Security.INSECURE: "not DNSSEC-signed",
    Security.BOGUS: "DNSSEC validation fails",
    Security.INDETERMINATE: "no trusted resolver reported the DNSSEC state",
}
"""Descriptions of the DNSSEC state of a DNS answer, printed alone or after the words "the answer: "."""

INFERRED = "not probed: the connections are those of the MX host "
"""Text about an MX host that was not probed, followed by the key of the host from which the result is taken."""

NOT_ASKED = "no DNS lookup was due"
"""The text that stands in place of a DNSSEC state if no DNS lookup was made."""


def of_reason(code: str) -> str:
    """Return the meaning of a reason code; a reason code of a later version is returned unchanged."""
    try:
        return Reason(code).words
    except ValueError:
        return code


def of_dane(word: str) -> str:
    """Return the meaning of the DANE verdict of an MX host; a verdict of a later version is returned unchanged."""
    return HOST_DANE[Dane(word)] if word in set(Dane) else word


def number(count: int, noun: str) -> str:
    """Return a number with a noun; the noun is in the plural (with ``s``) unless the number is 1."""
    return f"1 {noun}" if count == 1 else f"{count:,} {noun}s"


def duration(seconds: float) -> str:
    """Return a duration as text in its two largest units: ``1 h 03 min``, ``4 min 10 s``, ``12 s``."""
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004 - seconds of a minute
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:  # noqa: PLR2004 - minutes of an hour
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min"
