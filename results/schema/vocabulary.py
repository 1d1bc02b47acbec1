"""The description of every vocabulary and the meaning of each of its words, for the schema and docs/verdicts.md.

The words of verdicts have their meanings in ``results.render.words``, as reports show them; the meanings of all other
words are here. Reason codes have theirs in ``scanner.reasons``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from results.render import words
from scanner.reasons import TLSRPT, Reason
from scanner.vocabulary import (
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
    RunState,
    Security,
    Sender,
    StartTLS,
    TLSState,
    Unusable,
)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A closed set of words: the members in which they are written, a description, and the meaning of each word."""

    members: str
    description: str
    meanings: Mapping[Any, str]


_PKIX = {
    Pkix.TRUSTED: "the chain leads to a certificate of the trust store",
    Pkix.UNTRUSTED: "the chain does not lead to the trust store, or has an error; `pkix_error` has the first error",
    Pkix.UNKNOWN: "no chain was received",
}

_STARTTLS = {
    StartTLS.OFFERED: "the server offered STARTTLS and accepted it",
    StartTLS.NOT_OFFERED: "the server answered EHLO without STARTTLS",
    StartTLS.REFUSED: "the server offered STARTTLS and then refused it",
    StartTLS.IMPLICIT: "TLS from the first octet, without STARTTLS",
    StartTLS.UNKNOWN: "the dialogue ended before STARTTLS",
}

_LEVEL = {
    Level.NONE: "no TLS",
    Level.MAY: "TLS if offered, without authentication",
    Level.ENCRYPT: "mandatory TLS, without authentication",
    Level.FINGERPRINT: "mandatory TLS with a given certificate or key",
    Level.HALF_DANE: "`dane` where the MX records are not DNSSEC-signed; never requested, only effective",
    Level.DANE: "DANE where a host has TLSA records; TLS if offered elsewhere",
    Level.DANE_ONLY: "mandatory DANE",
    Level.VERIFY: "mandatory TLS with a trusted certificate for the MX host",
    Level.SECURE: "mandatory TLS with a trusted certificate for the domain",
}

_MODE = {
    Mode.SMTP: "SMTP with STARTTLS",
    Mode.SMTPS: "SMTP with TLS from the first octet",
    Mode.LMTP: "LMTP (RFC 2033) with STARTTLS",
    Mode.LMTPS: "LMTP with TLS from the first octet",
}

_OUTCOME = {
    Outcome.DATA: "the records are known",
    Outcome.NODATA: "the name exists without records of this type",
    Outcome.NXDOMAIN: "the name does not exist",
    Outcome.ERROR: "the lookup failed",
}

_PHASE = {
    Phase.DNS: "DNS lookups",
    Phase.CONNECT: "TCP connect",
    Phase.GREETING: "wait for the greeting",
    Phase.EHLO: "EHLO before TLS",
    Phase.STARTTLS: "STARTTLS command",
    Phase.HANDSHAKE: "TLS handshake",
    Phase.EHLO_TLS: "EHLO after TLS",
    Phase.QUIT: "QUIT",
    Phase.DONE: "the dialogue is complete",
}

_FAILURE = {
    FailureKind.TIMEOUT: "the peer did not answer in time",
    FailureKind.REFUSED: "the peer refused the TCP connection",
    FailureKind.UNREACHABLE: "no route to the host or network",
    FailureKind.RESET: "the peer reset the connection",
    FailureKind.CLOSED: "the peer closed the connection before its reply",
    FailureKind.REJECTED: "the peer sent a negative reply; `code` has its number",
    FailureKind.GARBAGE: "the octets received are not an SMTP reply",
    FailureKind.TOO_LONG: "a line or reply exceeded the limit",
    FailureKind.TLS: "the TLS handshake failed",
    FailureKind.UNDECODABLE: "the TLS library of the scanner cannot decode the certificate that the peer sent",
    FailureKind.RESOURCES: "the scanner had no descriptors, ports or memory left",
    FailureKind.LOCAL: "the local system did not permit the connection",
    FailureKind.HELD_BACK: "no connection was made, because the provider is in back-off",
    FailureKind.INTERNAL: "an internal error of mxsweep",
}

_UNUSABLE = {
    Unusable.TRUNCATED: "the record is too short",
    Unusable.USAGE: "the usage is not 2 or 3 (RFC 7672 section 3.1.3)",
    Unusable.PRIVATE_MATCHING_TYPE: "the matching type is 255, which is for private use",
    Unusable.SELECTOR: "the selector is not 0 or 1",
    Unusable.MATCHING_TYPE: "the matching type is unknown or disabled",
    Unusable.DIGEST_LENGTH: "the length of the data is not that of the digest",
    Unusable.BAD_CERTIFICATE: "the data are not a certificate",
    Unusable.BAD_KEY: "the data are not a public key",
}

_RUN_STATE = {
    RunState.RUNNING: "the scan is in progress, or was killed",
    RunState.PAUSED: "the scan waits for the local network or resolver",
    RunState.COMPLETE: "the scan is complete",
    RunState.INTERRUPTED: "the scan was stopped and can be resumed",
}

_TLSRPT = {
    TLSRPT.STARTTLS_NOT_SUPPORTED: "the server does not offer STARTTLS",
    TLSRPT.CERTIFICATE_HOST_MISMATCH: "the certificate is for another name",
    TLSRPT.CERTIFICATE_EXPIRED: "the certificate has expired",
    TLSRPT.CERTIFICATE_NOT_TRUSTED: "the chain does not lead to a trusted certificate",
    TLSRPT.TLSA_INVALID: "no usable TLSA record",
    TLSRPT.DNSSEC_INVALID: "DNSSEC validation failed",
    TLSRPT.DANE_REQUIRED: "the level requires DANE, and the host has no TLSA records",
    TLSRPT.VALIDATION_FAILURE: "any other failure",
}

VOCABULARIES: dict[type[StrEnum], Vocabulary] = {
    DomainOutcome: Vocabulary("outcome of a domain", "Delivery of mail at the requested level.", words.OUTCOME),
    Sender: Vocabulary("sender", "What a sender like Postfix smtp(8) does at the requested level.", words.SENDER),
    DomainDane: Vocabulary("dane of a domain", "TLSA records and chains of all MX hosts.", words.DOMAIN_DANE),
    DomainStartTLS: Vocabulary(
        "starttls of a domain and of an MX host",
        "TLS at all MX hosts of a domain; in the verdict of an MX host, TLS at all its addresses.",
        words.DOMAIN_STARTTLS,
    ),
    Dane: Vocabulary(
        "dane of an MX host or address",
        "TLSA records and chain of one MX host. Where records exist but none is usable, TLS is mandatory without "
        "authentication (RFC 7672 section 2.2).",
        words.HOST_DANE,
    ),
    TLSState: Vocabulary("tls of an address", "TLS session; the first four are words of posttls-finger.", words.TLS),
    Pkix: Vocabulary("pkix of an address", "The chain against the trust store. Names are not compared.", _PKIX),
    StartTLS: Vocabulary("starttls of an address or probe", "The server's answer to STARTTLS.", _STARTTLS),
    Level: Vocabulary("level", "Security level, as Postfix's `smtp_tls_security_level`.", _LEVEL),
    Mode: Vocabulary("mode", "Protocol on the port.", _MODE),
    Outcome: Vocabulary("outcome of a DNS answer", "Result of a DNS lookup.", _OUTCOME),
    Security: Vocabulary("security", "DNSSEC state of a DNS answer (RFC 4033 section 5).", words.SECURITY),
    Phase: Vocabulary("phase of a failure", "Phase of a probe.", _PHASE),
    FailureKind: Vocabulary("kind of a failure", "Kind of failure of a probe.", _FAILURE),
    Unusable: Vocabulary("unusable of a TLSA record", "Why a TLSA record cannot be used for SMTP.", _UNUSABLE),
    RunState: Vocabulary("state of a run", "State of a run directory.", _RUN_STATE),
    TLSRPT: Vocabulary("tlsrpt", "Result types of TLSRPT (RFC 8460 section 4.3).", _TLSRPT),
    Reason: Vocabulary("reasons", "Reason codes; docs/reasons.md explains each.", {}),
}
"""Each vocabulary of the records, those of verdicts first."""
