"""Descriptions of all vocabularies and their values, for the JSON Schema and docs/verdicts.md.

``results.render.words`` contains the meanings of verdict values, as reports print them, and ``scanner.reasons`` the
meanings of reason codes. This module contains the meanings of all other vocabulary values.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from results.render import words
from scanner.reasons import TLSRPT, Reason
from scanner.vocabulary import (
    CertAlg,
    Dane,
    DomainDane,
    DomainOutcome,
    DomainStartTLS,
    DomainSTS,
    FailureKind,
    HostSTS,
    Level,
    Mechanism,
    Mode,
    Outcome,
    Phase,
    Pkix,
    PolicyMode,
    PostQuantum,
    RunState,
    Security,
    Sender,
    Served,
    StartTLS,
    TLSState,
    TXTRecord,
    Unusable,
)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A closed set of values: the members that contain these values, a description, and the meaning of each value."""

    members: str
    description: str
    meanings: Mapping[Any, str]


_PKIX = {
    Pkix.TRUSTED: "the chain leads to a certificate of the trust store",
    Pkix.UNTRUSTED: "the chain does not lead to the trust store or has an error; `pkix_error` is the first error",
    Pkix.UNKNOWN: "no chain was received",
}

_CERT_ALG = {
    CertAlg.RSA: "RSA, for any padding of signatures",
    CertAlg.ECDSA: "ECDSA",
    CertAlg.EDDSA: "Ed25519 or Ed448",
    CertAlg.MLDSA: "ML-DSA, a post-quantum algorithm",
    CertAlg.OTHER: "another or unknown algorithm",
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
    Level.HALF_DANE: "effective level of a host at level `dane` if the MX records are not DNSSEC-signed",
    Level.DANE: "DANE for hosts with TLSA records; TLS if offered for other hosts",
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
    Phase.HTTP: "HTTP request and response, in a fetch of an MTA-STS policy",
}

_FAILURE = {
    FailureKind.TIMEOUT: "the peer did not answer in time",
    FailureKind.REFUSED: "the peer refused the TCP connection",
    FailureKind.UNREACHABLE: "no route to the host or network",
    FailureKind.RESET: "the peer reset the connection",
    FailureKind.CLOSED: "the peer closed the connection before its reply",
    FailureKind.REJECTED: "the peer sent a negative reply; `code` is the reply code",
    FailureKind.GARBAGE: "the octets received are not an SMTP reply",
    FailureKind.TOO_LONG: "a line or reply exceeded the limit",
    FailureKind.TLS: "the TLS handshake failed",
    FailureKind.UNDECODABLE: "the TLS library of the scanner cannot decode the certificate that the peer sent",
    FailureKind.PRIME_TOO_LARGE: "the scanner refuses the Diffie-Hellman prime of the peer, of more than 4,096 bits",
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
    Unusable.DIGEST_LENGTH: "the data do not have the length of the digest",
    Unusable.BAD_CERTIFICATE: "the data are not a certificate",
    Unusable.BAD_KEY: "the data are not a public key",
}

_POLICY_MODE = {
    PolicyMode.ENFORCE: "senders deliver only to MX hosts that satisfy the policy",
    PolicyMode.TESTING: "senders report failures and deliver in any case",
    PolicyMode.NONE: "the domain no longer uses MTA-STS",
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
    TLSRPT.TLSA_INVALID: "the host has no usable TLSA record",
    TLSRPT.DNSSEC_INVALID: "DNSSEC validation failed",
    TLSRPT.DANE_REQUIRED: "the level requires DANE, and the host has no TLSA records",
    TLSRPT.VALIDATION_FAILURE: "any other failure of TLS or authentication",
    TLSRPT.STS_POLICY_FETCH_ERROR: "the MTA-STS policy could not be fetched",
    TLSRPT.STS_POLICY_INVALID: "the MTA-STS policy has a syntax error",
    TLSRPT.STS_WEBPKI_INVALID: "the certificate of the MTA-STS policy host is not valid",
}

VOCABULARIES: dict[type[StrEnum], Vocabulary] = {
    DomainOutcome: Vocabulary(
        "outcome of a domain",
        "The value states whether mail to a domain is delivered at the requested level.",
        words.OUTCOME,
    ),
    Sender: Vocabulary(
        "sender", "The value states what a sender like Postfix smtp(8) does at the requested level.", words.SENDER
    ),
    DomainDane: Vocabulary(
        "dane of a domain",
        "The value combines the results of comparing TLSA records and certificate chains at all MX hosts of a domain.",
        words.DOMAIN_DANE,
    ),
    DomainStartTLS: Vocabulary(
        "starttls of a domain and of an MX host",
        "The value states whether TLS works at the MX hosts of a domain, or at the addresses of an MX host.",
        words.DOMAIN_STARTTLS,
    ),
    Dane: Vocabulary(
        "dane of an MX host or address",
        "The value is the result of comparing the TLSA records with the certificate chain of an MX host. If TLSA "
        "records exist but no TLSA record is usable, TLS is mandatory without authentication (RFC 7672 section 2.2).",
        words.HOST_DANE,
    ),
    DomainSTS: Vocabulary(
        "sts of a domain",
        "The value is the verdict of the MTA-STS policy of a domain on its MX hosts.",
        words.DOMAIN_STS,
    ),
    Mechanism: Vocabulary(
        "mechanism",
        "The value is the mechanism that protects mail from a sender that uses both DANE and MTA-STS. Where DANE "
        "applies to a host, DANE alone decides.",
        words.MECHANISM,
    ),
    HostSTS: Vocabulary(
        "sts of an MX host",
        "The value is the verdict of the MTA-STS policy of a domain on one MX host.",
        words.HOST_STS,
    ),
    TLSState: Vocabulary(
        "tls of an address",
        "The value is the result of TLS and server authentication; the first four values are those of posttls-finger.",
        words.TLS,
    ),
    Pkix: Vocabulary(
        "pkix of an address",
        "The value is the result of validating a chain against the trust store, without comparison of names.",
        _PKIX,
    ),
    StartTLS: Vocabulary(
        "starttls of an address or probe", "The value is the answer of the server to STARTTLS.", _STARTTLS
    ),
    Served: Vocabulary(
        "served of a key algorithm",
        "The value states whether a server has a certificate with a key of the algorithm. The value is `no` only after "
        "a TLS alert of the server.",
        words.SERVED,
    ),
    CertAlg: Vocabulary("alg of a certificate", "The value is the algorithm of the key of a certificate.", _CERT_ALG),
    PostQuantum: Vocabulary(
        "pq of an address",
        "The value is the post-quantum readiness of the key exchange. `supported` and `no` need `scan --pq`. The value "
        "is `no` only after a TLS alert of the server.",
        words.POST_QUANTUM,
    ),
    Level: Vocabulary("level", "The value is a security level as in Postfix's `smtp_tls_security_level`.", _LEVEL),
    Mode: Vocabulary("mode", "The value is the protocol on a TCP port.", _MODE),
    Outcome: Vocabulary("outcome of a DNS answer", "The value is the result of a DNS lookup.", _OUTCOME),
    Security: Vocabulary(
        "security", "The value is the DNSSEC state of a DNS answer (RFC 4033 section 5).", words.SECURITY
    ),
    Phase: Vocabulary("phase of a failure", "The value is the phase of a probe in which a failure occurred.", _PHASE),
    FailureKind: Vocabulary("kind of a failure", "The value is the class of a failure of a probe.", _FAILURE),
    TXTRecord: Vocabulary("record of sts and tlsrpt", "The value is the state of a TXT record.", words.TXT_RECORD),
    PolicyMode: Vocabulary(
        "mode of an MTA-STS policy", "The value is the mode of a policy (RFC 8461 section 3.2).", _POLICY_MODE
    ),
    Unusable: Vocabulary(
        "unusable of a TLSA record", "The value is the defect that makes a TLSA record unusable for SMTP.", _UNUSABLE
    ),
    RunState: Vocabulary("state of a run", "The value is the state of a run directory.", _RUN_STATE),
    TLSRPT: Vocabulary("tlsrpt", "The values are result types of TLSRPT (RFC 8460 section 4.3).", _TLSRPT),
    Reason: Vocabulary("reasons", "Reason codes; docs/reasons.md explains each.", {}),
}
"""All vocabularies of the records; vocabularies of verdicts come first."""
