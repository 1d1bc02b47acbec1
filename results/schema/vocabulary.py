"""Descriptions of the vocabularies and their values (except reason codes), for the JSON Schema and docs/verdicts.md.

The meanings in this module are complete sentences; ``results.render.words`` contains the short texts that reports print
for verdict values, and ``scanner.reasons`` the meanings of reason codes.
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
    """A closed set of values: the record members that contain these values, a description, and the value meanings."""

    members: str
    description: str
    meanings: Mapping[Any, str]


_SENDER = {value: f"a sender {text}" for value, text in words.SENDER.items()} | {
    Sender.UNKNOWN: "it cannot be predicted what a sender does"
}

_HOST_DANE = {
    Dane.OK: "the certificate chain of the host satisfies DANE",
    Dane.MISMATCH: "the certificate chain of the host does not satisfy DANE",
    Dane.NO_TLS: "the host has TLSA records, but TLS does not work",
    Dane.UNUSABLE: "the host has TLSA records, but no usable TLSA record",
    Dane.NONE: "the host has no TLSA records",
    Dane.INSECURE: "the DNS records of the host are not DNSSEC-signed",
    Dane.LOOKUP_FAILED: "the TLSA lookup failed",
    Dane.UNKNOWN: "the DANE verdict could not be determined",
}

_HOST_STS = {
    HostSTS.OK: "the host satisfies the MTA-STS policy",
    HostSTS.PATTERN_MISMATCH: "the MTA-STS policy does not list the host",
    HostSTS.NO_TLS: "the domain has an MTA-STS policy, but TLS does not work at the host",
    HostSTS.UNTRUSTED: "the domain has an MTA-STS policy, but the certificate of the MX host is not trusted",
    HostSTS.NAME_MISMATCH: "the domain has an MTA-STS policy, but the certificate of the host is for another name",
    HostSTS.NONE: "the domain has no MTA-STS policy",
    HostSTS.UNKNOWN: "the MTA-STS verdict could not be determined",
}

_MECHANISM = {
    Mechanism.DANE: "DANE protects the mail",
    Mechanism.STS: "MTA-STS protects the mail",
    Mechanism.BOTH: "DANE and MTA-STS protect the mail",
    Mechanism.OPPORTUNISTIC: "no mechanism protects the mail, which is sent over TLS without authentication",
    Mechanism.CLEARTEXT: "no mechanism protects the mail, which is sent in clear text",
    Mechanism.BROKEN: "the mechanism that applies to the domain fails",
    Mechanism.NO_MAIL: "the domain takes no mail",
    Mechanism.UNKNOWN: "the mechanism could not be determined",
}

_TLS = {
    TLSState.VERIFIED: "the session uses TLS, and the server is authenticated",
    TLSState.TRUSTED: "the session uses TLS with a certificate of a trusted authority, without an authenticated name",
    TLSState.UNTRUSTED: "the session uses TLS with a certificate that does not authenticate the server",
    TLSState.ANONYMOUS: "the session uses TLS without a certificate",
    TLSState.CLEARTEXT: "the session does not use TLS",
    TLSState.FAILED: "the server refused STARTTLS, or the TLS handshake failed",
    TLSState.UNKNOWN: "it could not be determined whether TLS works",
}

_SECURITY = {
    Security.SECURE: "the answer is DNSSEC-signed, and its signatures are correct",
    Security.INSECURE: "the answer is not DNSSEC-signed",
    Security.BOGUS: "DNSSEC validation of the answer fails",
    Security.INDETERMINATE: "no trusted resolver reported the DNSSEC state of the answer",
}

_PKIX = {
    Pkix.TRUSTED: "the certificate chain leads to a certificate of the trust store",
    Pkix.UNTRUSTED: "the certificate chain does not lead to the trust store, or has an error (`pkix_error`)",
    Pkix.UNKNOWN: "the scanner received no certificate chain",
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
    StartTLS.IMPLICIT: "the session uses TLS from the first octet, without STARTTLS",
    StartTLS.UNKNOWN: "the SMTP dialogue ended before STARTTLS",
}

_LEVEL = {
    Level.NONE: "a sender uses no TLS",
    Level.MAY: "a sender uses TLS if the server offers TLS, without authentication",
    Level.ENCRYPT: "a sender requires TLS, without authentication",
    Level.FINGERPRINT: "a sender requires TLS with a given certificate or key",
    Level.HALF_DANE: "`dane` with unsigned MX records: a server with a TLSA match is `trusted`, not `verified`",
    Level.DANE: "a sender requires DANE from hosts with TLSA records, and uses TLS with other hosts that offer TLS",
    Level.DANE_ONLY: "a sender requires DANE from every host",
    Level.VERIFY: "a sender requires TLS with a trusted certificate for the MX host",
    Level.SECURE: "a sender requires TLS with a trusted certificate for the domain",
}

_MODE = {
    Mode.SMTP: "the server speaks SMTP with STARTTLS",
    Mode.SMTPS: "the server speaks SMTP with TLS from the first octet",
    Mode.LMTP: "the server speaks LMTP (RFC 2033) with STARTTLS",
    Mode.LMTPS: "the server speaks LMTP with TLS from the first octet",
}

_OUTCOME = {
    Outcome.DATA: "the answer contains records of the queried type",
    Outcome.NODATA: "the name exists without records of the queried type",
    Outcome.NXDOMAIN: "the queried name does not exist",
    Outcome.ERROR: "the DNS lookup failed",
}

_PHASE = {
    Phase.DNS: "the DNS lookups before the connection",
    Phase.CONNECT: "the TCP connect to the address",
    Phase.GREETING: "the wait for the greeting of the server",
    Phase.EHLO: "the EHLO command before TLS",
    Phase.STARTTLS: "the STARTTLS command",
    Phase.HANDSHAKE: "the TLS handshake",
    Phase.EHLO_TLS: "the EHLO command after TLS",
    Phase.QUIT: "the QUIT command",
    Phase.DONE: "the end of a complete SMTP dialogue",
    Phase.HTTP: "the HTTP request for an MTA-STS policy",
}

_FAILURE = {
    FailureKind.TIMEOUT: "the peer did not answer in time",
    FailureKind.REFUSED: "the peer refused the TCP connection",
    FailureKind.UNREACHABLE: "the local machine has no route to the host or network",
    FailureKind.RESET: "the peer reset the connection",
    FailureKind.CLOSED: "the peer closed the connection before sending a complete reply",
    FailureKind.REJECTED: "the peer sent a negative reply; `code` is the reply code",
    FailureKind.GARBAGE: "the peer sent octets that are not an SMTP reply",
    FailureKind.TOO_LONG: "a line or reply of the peer exceeded the maximum length",
    FailureKind.TLS: "the TLS handshake failed",
    FailureKind.UNDECODABLE: "the TLS library of the scanner cannot decode the certificate that the peer sent",
    FailureKind.PRIME_TOO_LARGE: "the scanner refuses the Diffie-Hellman prime of the peer, of more than 4,096 bits",
    FailureKind.RESOURCES: "the scanner had no file descriptors, local ports or memory left, or the peer closed the"
    " connection while the connection waited for a limit of mxsweep",
    FailureKind.LOCAL: "the local system did not permit the connection",
    FailureKind.HELD_BACK: "no connection was made, because the provider is in back-off",
    FailureKind.INTERNAL: "an internal error of mxsweep occurred",
}

_UNUSABLE = {
    Unusable.TRUNCATED: "the TLSA record is too short",
    Unusable.USAGE: "the usage of the TLSA record is not 2 or 3 (RFC 7672 section 3.1.3)",
    Unusable.PRIVATE_MATCHING_TYPE: "the matching type of the TLSA record is 255, which is for private use",
    Unusable.SELECTOR: "the selector of the TLSA record is not 0 or 1",
    Unusable.MATCHING_TYPE: "the matching type of the TLSA record is unknown or disabled",
    Unusable.DIGEST_LENGTH: "the data of the TLSA record do not have the length of a digest of the matching type",
    Unusable.BAD_CERTIFICATE: "the data of the TLSA record are not a certificate",
    Unusable.BAD_KEY: "the data of the TLSA record are not a public key",
}

_POLICY_MODE = {
    PolicyMode.ENFORCE: "senders deliver only to MX hosts that satisfy the MTA-STS policy",
    PolicyMode.TESTING: "senders report failures of the MTA-STS policy, and deliver the mail in any case",
    PolicyMode.NONE: "the domain no longer uses MTA-STS",
}

_RUN_STATE = {
    RunState.RUNNING: "the scan is in progress, or was killed",
    RunState.PAUSED: "the scan waits until the local network or resolver works again",
    RunState.COMPLETE: "the scan is complete",
    RunState.INTERRUPTED: "the scan was stopped and can be resumed",
}

_TLSRPT = {
    TLSRPT.STARTTLS_NOT_SUPPORTED: "the server does not offer STARTTLS",
    TLSRPT.CERTIFICATE_HOST_MISMATCH: "the certificate of the server is for another name",
    TLSRPT.CERTIFICATE_EXPIRED: "the certificate of the server has expired",
    TLSRPT.CERTIFICATE_NOT_TRUSTED: "the certificate chain does not lead to a trusted certificate",
    TLSRPT.TLSA_INVALID: "the host has TLSA records, but none of them is usable",
    TLSRPT.DNSSEC_INVALID: "DNSSEC validation failed",
    TLSRPT.DANE_REQUIRED: "the security level requires DANE, and the host has no TLSA records",
    TLSRPT.VALIDATION_FAILURE: "a failure of TLS or authentication for which TLSRPT has no other result type",
    TLSRPT.STS_POLICY_FETCH_ERROR: "the MTA-STS policy could not be fetched",
    TLSRPT.STS_POLICY_INVALID: "the MTA-STS policy has a syntax error",
    TLSRPT.STS_WEBPKI_INVALID: "the certificate of the MTA-STS policy host does not authenticate the host",
}

VOCABULARIES: dict[type[StrEnum], Vocabulary] = {
    DomainOutcome: Vocabulary(
        "outcome of a domain",
        "The member `outcome` of a domain states whether mail to the domain is delivered at the requested "
        "security level.",
        words.OUTCOME,
    ),
    Sender: Vocabulary(
        "sender",
        "The member `sender` states what a sender like Postfix smtp(8) does at the requested security level.",
        _SENDER,
    ),
    DomainDane: Vocabulary(
        "dane of a domain",
        "The member `dane` of a domain combines the results of comparing TLSA records and certificate chains at all MX "
        "hosts of the domain.",
        words.DOMAIN_DANE,
    ),
    DomainStartTLS: Vocabulary(
        "starttls of a domain and of an MX host",
        "The member `starttls` states whether TLS works at the MX hosts of a domain or at the addresses of an MX host.",
        words.DOMAIN_STARTTLS,
    ),
    Dane: Vocabulary(
        "dane of an MX host or address",
        "The member `dane` of an MX host or address is the result of comparing the TLSA records with the certificate "
        "chain. If TLSA records exist but no TLSA record is usable, a sender requires TLS without authentication "
        "(RFC 7672 section 2.2).",
        _HOST_DANE,
    ),
    DomainSTS: Vocabulary(
        "sts of a domain",
        "The member `sts` of a domain is the verdict of the MTA-STS policy on the MX hosts of the domain.",
        words.DOMAIN_STS,
    ),
    Mechanism: Vocabulary(
        "mechanism",
        "The member `mechanism` is the mechanism that protects mail from a sender that uses both DANE and MTA-STS. "
        "Where DANE applies to an MX host, DANE alone determines whether the sender delivers to the MX host.",
        _MECHANISM,
    ),
    HostSTS: Vocabulary(
        "sts of an MX host",
        "The member `sts` of an MX host is the verdict of the MTA-STS policy of a domain on the MX host.",
        _HOST_STS,
    ),
    TLSState: Vocabulary(
        "tls of an address",
        "The member `tls` of an address is the result of TLS and server authentication. posttls-finger also prints the "
        "values `verified`, `trusted`, `untrusted` and `anonymous`.",
        _TLS,
    ),
    Pkix: Vocabulary(
        "pkix of an address",
        "The member `pkix` of an address is the result of validating the certificate chain against the trust store, "
        "without comparing names.",
        _PKIX,
    ),
    StartTLS: Vocabulary(
        "starttls of an address or probe",
        "The member `starttls` of an address or probe is the answer of the server to STARTTLS.",
        _STARTTLS,
    ),
    Served: Vocabulary(
        "served of a key algorithm",
        "The member `served` states whether a server has a certificate with the key algorithm of the member `alg`. "
        "`served` is `no` only after a TLS alert of the server.",
        words.SERVED,
    ),
    CertAlg: Vocabulary("alg of a certificate", "The member `alg` is the key algorithm of a certificate.", _CERT_ALG),
    PostQuantum: Vocabulary(
        "pq of an address",
        "The member `pq` of an address is the post-quantum readiness of the key exchange. Only `scan --pq` determines "
        "the values `supported` and `no` of `pq`. `pq` is `no` only after a TLS alert of the server.",
        words.POST_QUANTUM,
    ),
    Level: Vocabulary(
        "level", "The member `level` is a security level as in Postfix's `smtp_tls_security_level`.", _LEVEL
    ),
    Mode: Vocabulary("mode", "The member `mode` of an endpoint is the protocol on a TCP port.", _MODE),
    Outcome: Vocabulary(
        "outcome of a DNS answer", "The member `outcome` of a DNS answer is the result of the lookup.", _OUTCOME
    ),
    Security: Vocabulary(
        "security", "The member `security` is the DNSSEC state of a DNS answer (RFC 4033 section 5).", _SECURITY
    ),
    Phase: Vocabulary(
        "phase of a failure", "The member `phase` is the phase of a probe in which a failure occurred.", _PHASE
    ),
    FailureKind: Vocabulary("kind of a failure", "The member `kind` is the class of a failure of a probe.", _FAILURE),
    TXTRecord: Vocabulary(
        "record of sts and tlsrpt",
        "The member `record` is the state of the TXT record of MTA-STS (`sts`) or TLSRPT (`tlsrpt`).",
        words.TXT_RECORD,
    ),
    PolicyMode: Vocabulary(
        "mode of an MTA-STS policy",
        "The member `mode` of an MTA-STS policy is the value of its field `mode` (RFC 8461 section 3.2).",
        _POLICY_MODE,
    ),
    Unusable: Vocabulary(
        "unusable of a TLSA record",
        "The member `unusable` is the defect that makes a TLSA record unusable for SMTP.",
        _UNUSABLE,
    ),
    RunState: Vocabulary("state of a run", "The member `state` is the state of a run directory.", _RUN_STATE),
    TLSRPT: Vocabulary(
        "tlsrpt", "The values of the member `tlsrpt` are result types of TLSRPT (RFC 8460 section 4.3).", _TLSRPT
    ),
    Reason: Vocabulary(
        "reasons", "The values of the member `reasons` are reason codes; docs/reasons.md explains each code.", {}
    ),
}
"""All vocabularies of the records; vocabularies of verdicts come first."""
