"""The reason codes of verdicts, each with its meaning as text and its RFC 8460 (TLSRPT) result type, if one exists.

A new reason code may be added; an existing reason code is never renamed and never changes its meaning.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Self


class TLSRPT(StrEnum):
    """Result types of RFC 8460 section 4.3 that a check of STARTTLS, DANE or MTA-STS can produce."""

    STARTTLS_NOT_SUPPORTED = "starttls-not-supported"
    CERTIFICATE_HOST_MISMATCH = "certificate-host-mismatch"
    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_NOT_TRUSTED = "certificate-not-trusted"
    TLSA_INVALID = "tlsa-invalid"
    DNSSEC_INVALID = "dnssec-invalid"
    DANE_REQUIRED = "dane-required"
    VALIDATION_FAILURE = "validation-failure"
    STS_POLICY_FETCH_ERROR = "sts-policy-fetch-error"
    STS_POLICY_INVALID = "sts-policy-invalid"
    STS_WEBPKI_INVALID = "sts-webpki-invalid"


class Reason(StrEnum):
    """The reason codes; ``words`` is the meaning of a reason code, ``tlsrpt`` its TLSRPT result type, if any."""

    words: str
    tlsrpt: TLSRPT | None

    def __new__(cls, code: str, words: str = "", tlsrpt: TLSRPT | None = None) -> Self:
        """Make the member of a reason code; ``words`` is optional only for ``Reason(code)``, which finds a member."""
        member = str.__new__(cls, code)
        member._value_, member.words, member.tlsrpt = code, words, tlsrpt
        return member

    IMPLICIT_MX = "implicit-mx", "the domain has no MX record and is itself the mail host (RFC 5321 section 5.1)"
    NULL_MX = "null-mx", "the domain accepts no mail (null MX, RFC 7505)"
    NXDOMAIN = "nxdomain", "the domain does not exist"
    NO_ADDRESS = "no-address", "the domain has neither an MX record nor an address record"
    MX_INSECURE = "mx-insecure", "the MX RRset is not DNSSEC-signed, so an attacker on the network could change it"
    MX_BOGUS = "mx-bogus", "DNSSEC validation of the MX RRset fails", TLSRPT.DNSSEC_INVALID
    MX_LOOKUP_FAILED = "mx-lookup-failed", "the MX lookup failed, so the MX records of the domain are not known"
    MX_TARGET_NXDOMAIN = "mx-target-nxdomain", "an MX host does not exist in the DNS"
    MX_TARGET_NO_ADDRESS = "mx-target-no-address", "an MX host has no address record"
    MX_TARGET_INVALID = "mx-target-invalid", "the target of an MX record is not a host name"
    MX_TARGET_NUMERIC = "mx-target-numeric", "the target of an MX record is an address instead of a host name"
    MX_TARGETS_UNRESOLVABLE = "mx-targets-unresolvable", "no MX host has an address"
    MX_TARGET_IS_ALIAS = "mx-target-is-alias", "an MX host is an alias (CNAME), which RFC 2181 section 10.3 forbids"
    ADDRESS_LOOKUP_FAILED = "address-lookup-failed", "the address lookup of an MX host failed"
    ADDRESS_BOGUS = "address-bogus", "DNSSEC validation of an MX host's addresses fails", TLSRPT.DNSSEC_INVALID
    A_LOOKUP_FAILED = "a-lookup-failed", "the A lookup of an MX host failed; its AAAA records were used"
    AAAA_LOOKUP_FAILED = "aaaa-lookup-failed", "the AAAA lookup of an MX host failed; its A records were used"
    HOST_INSECURE = "host-insecure", "the MX host's addresses are not DNSSEC-signed, so its TLSA records are not used"
    DNS_INDETERMINATE = (
        "dns-indeterminate",
        "no trusted validating resolver was available, so DNSSEC and DANE could not be judged",
    )
    TLSA_NONE = "tlsa-none", "the host has no TLSA records"
    TLSA_NAME_IMPOSSIBLE = "tlsa-name-impossible", "the MX host's name is so long that TLSA records for it cannot exist"
    TLSA_INSECURE = "tlsa-insecure", "the TLSA records of the host are not DNSSEC-signed"
    TLSA_LOOKUP_FAILED = "tlsa-lookup-failed", "the TLSA lookup failed, so the TLSA records are not known"
    TLSA_BOGUS = "tlsa-bogus", "DNSSEC validation of the TLSA RRset fails", TLSRPT.DNSSEC_INVALID
    TLSA_UNUSABLE_USAGE = (
        "tlsa-unusable-usage",
        "no TLSA record has a usage that SMTP allows (2 or 3, RFC 7672 section 3.1)",
        TLSRPT.TLSA_INVALID,
    )
    TLSA_UNUSABLE_DATA = "tlsa-unusable-data", "no TLSA record has data that can be compared", TLSRPT.TLSA_INVALID
    TLSA_MISMATCH = "tlsa-mismatch", "no TLSA record matches the certificate chain", TLSRPT.VALIDATION_FAILURE
    NAME_MISMATCH = (
        "name-mismatch",
        "a TLSA trust anchor matches, but the certificate is for another name",
        TLSRPT.CERTIFICATE_HOST_MISMATCH,
    )
    CERTIFICATE_EXPIRED = (
        "certificate-expired",
        "a certificate of the server's chain has expired",
        TLSRPT.CERTIFICATE_EXPIRED,
    )
    CERTIFICATE_NOT_YET_VALID = (
        "certificate-not-yet-valid",
        "the validity of a certificate of the server's chain begins in the future",
        TLSRPT.CERTIFICATE_NOT_TRUSTED,
    )
    CERTIFICATE_NOT_TRUSTED = (
        "certificate-not-trusted",
        "the certificate chain does not lead to a trusted authority",
        TLSRPT.CERTIFICATE_NOT_TRUSTED,
    )
    CERTIFICATE_WEAK = (
        "certificate-weak",
        "a key or signature of the certificate chain is too weak",
        TLSRPT.VALIDATION_FAILURE,
    )
    CERTIFICATE_INVALID = (
        "certificate-invalid",
        "the certificate chain violates a rule of RFC 5280",
        TLSRPT.VALIDATION_FAILURE,
    )
    NO_CERTIFICATE = "no-certificate", "the server presented no certificate", TLSRPT.VALIDATION_FAILURE
    OTHER_CERTIFICATE_MISMATCH = (
        "other-certificate-mismatch",
        "a second certificate of the server, with another key algorithm, does not match the TLSA records",
        TLSRPT.VALIDATION_FAILURE,
    )
    CONNECTION_REFUSED = "connection-refused", "the TCP connection was refused"
    CONNECT_TIMEOUT = "connect-timeout", "the TCP connection timed out"
    UNREACHABLE = "unreachable", "the scanner has no working route to the network or host"
    HOST_UNREACHABLE = "host-unreachable", "no address of the host accepted a connection"
    SOME_ADDRESSES_UNREACHABLE = "some-addresses-unreachable", "some addresses of the host accepted no connection"
    SOME_ADDRESSES_INCONCLUSIVE = "some-addresses-inconclusive", "some addresses of the host could not be judged"
    NO_ROUTE = "no-route", "the scanning machine has no route for the address family (IPv4 or IPv6)"
    ADDRESS_NOT_PUBLIC = "address-not-public", "the address is special-purpose and was not contacted"
    ADDRESS_LIMIT = "address-limit", "the host or domain has more addresses than the scan examines"
    HOST_LIMIT = "host-limit", "the domain has more MX hosts than a scan examines"
    FAMILY_EXCLUDED = "family-excluded", "the settings of the scan exclude the address family (IPv4 or IPv6)"
    OPTED_OUT = "opted-out", "the operator of the destination asked not to be contacted"
    GREETING_4XX = "greeting-4xx", "the server refused the session temporarily (4xx greeting)"
    GREETING_5XX = "greeting-5xx", "the server refused the session permanently (5xx greeting)"
    GREETING_TIMEOUT = "greeting-timeout", "the server accepted the connection but sent no greeting in time"
    EHLO_4XX = "ehlo-4xx", "the server refused EHLO temporarily (4xx)"
    EHLO_REJECTED = (
        "ehlo-rejected",
        "the server does not support EHLO, which STARTTLS needs",
        TLSRPT.STARTTLS_NOT_SUPPORTED,
    )
    EHLO_POLICY = (
        "ehlo-policy",
        "the server refused EHLO by policy, so it is not known whether the server supports STARTTLS",
    )
    EHLO_TLS_REJECTED = "ehlo-tls-rejected", "the server refused EHLO after TLS was established"
    COMMAND_TIMEOUT = "command-timeout", "the server did not answer a command in time"
    LOST_CONNECTION = "lost-connection", "the server closed the connection during the dialogue"
    CONNECTION_RESET = "connection-reset", "the connection was reset"
    GARBLED_REPLY = "garbled-reply", "the server sent data that is not an SMTP reply"
    REPLY_TOO_LONG = "reply-too-long", "the server's reply is longer than any mail client would read"
    STARTTLS_NOT_OFFERED = "starttls-not-offered", "the server does not offer STARTTLS", TLSRPT.STARTTLS_NOT_SUPPORTED
    STARTTLS_REFUSED = "starttls-refused", "the server offers STARTTLS but refused it", TLSRPT.STARTTLS_NOT_SUPPORTED
    TLS_HANDSHAKE_FAILED = "tls-handshake-failed", "the TLS handshake failed", TLSRPT.VALIDATION_FAILURE
    TLS_TIMEOUT = "tls-timeout", "the TLS handshake did not end in time"
    TLS_MESSAGE_TOO_LONG = (
        "tls-message-too-long",
        "the server's TLS handshake message exceeds the maximum size",
        TLSRPT.VALIDATION_FAILURE,
    )
    CERTIFICATE_UNDECODABLE_HERE = (
        "certificate-undecodable-here",
        "the TLS library of this scanner cannot decode the server's certificate; other TLS libraries may decode it",
    )
    DH_PRIME_TOO_LARGE = (
        "dh-prime-too-large",
        "this scanner refuses the server's Diffie-Hellman prime of more than 4,096 bits; other clients may accept it",
    )
    TLS_LEGACY_ONLY = (
        "tls-legacy-only",
        "the server supports only obsolete or anonymous TLS, which an authenticating sender refuses",
        TLSRPT.VALIDATION_FAILURE,
    )
    TLS_WEAK_ONLY = (
        "tls-weak-only",
        "the server uses TLS 1.2 with a signature or key too weak for an authenticating sender",
        TLSRPT.VALIDATION_FAILURE,
    )
    TLS_LARGE_HELLO_INTOLERANT = (
        "tls-large-hello-intolerant",
        "the server fails on a large (post-quantum) ClientHello and accepts a small ClientHello",
    )
    TLS_ANONYMOUS = "tls-anonymous", "the TLS session has no certificate", TLSRPT.VALIDATION_FAILURE
    INFERRED_FROM_SAMPLE = (
        "inferred-from-sample",
        "the MX host was not probed: its result is that of other hosts with the same addresses and TLSA records",
    )
    DELIVERED_BY_LESSER_MX = (
        "delivered-by-lesser-mx",
        "a preferred MX host failed, and an MX host of lesser preference would take the mail",
    )
    LEVEL_NOT_MET = "level-not-met", "the MX hosts do not meet the requested security level", TLSRPT.DANE_REQUIRED
    STS_RECORD_MULTIPLE = (
        "sts-record-multiple",
        "the domain has more than one MTA-STS record, so senders use no policy (RFC 8461 section 3.1)",
    )
    STS_RECORD_INVALID = "sts-record-invalid", "the MTA-STS record has a syntax error, so senders use no policy"
    STS_LOOKUP_FAILED = (
        "sts-lookup-failed",
        "the lookup of the MTA-STS record or of the policy host failed, so the policy is not known",
    )
    STS_FETCH_FAILED = "sts-fetch-failed", "the MTA-STS policy could not be fetched", TLSRPT.STS_POLICY_FETCH_ERROR
    STS_FETCH_REDIRECT = (
        "sts-fetch-redirect",
        "the MTA-STS policy host redirects, and senders follow no redirect (RFC 8461 section 3.3)",
        TLSRPT.STS_POLICY_FETCH_ERROR,
    )
    STS_FETCH_STATUS = (
        "sts-fetch-status",
        "the MTA-STS policy host answers with an HTTP status other than 200",
        TLSRPT.STS_POLICY_FETCH_ERROR,
    )
    STS_FETCH_TOO_LONG = (
        "sts-fetch-too-long",
        "the response of the MTA-STS policy host is too long",
        TLSRPT.STS_POLICY_FETCH_ERROR,
    )
    STS_CERTIFICATE_INVALID = (
        "sts-certificate-invalid",
        "the certificate of the MTA-STS policy host is not trusted, has expired or is for another name",
        TLSRPT.STS_WEBPKI_INVALID,
    )
    STS_MEDIA_TYPE = (
        "sts-media-type",
        "the media type of the MTA-STS policy is not text/plain, which some senders require",
    )
    STS_POLICY_INVALID = "sts-policy-invalid", "the MTA-STS policy has a syntax error", TLSRPT.STS_POLICY_INVALID
    STS_MX_MISMATCH = "sts-mx-mismatch", "an MX host is not listed in the MTA-STS policy", TLSRPT.VALIDATION_FAILURE
    STS_HOST_NO_TLS = (
        "sts-host-no-tls",
        "an MX host offers no TLS although the domain has an MTA-STS policy",
        TLSRPT.STARTTLS_NOT_SUPPORTED,
    )
    STS_HOST_UNTRUSTED = (
        "sts-host-untrusted",
        "an MTA-STS policy exists, but the certificate of an MX host is not trusted",
        TLSRPT.CERTIFICATE_NOT_TRUSTED,
    )
    STS_HOST_NAME_MISMATCH = (
        "sts-host-name-mismatch",
        "an MTA-STS policy exists, but the certificate of an MX host is for another name",
        TLSRPT.CERTIFICATE_HOST_MISMATCH,
    )
    STS_DANE_DISAGREE = "sts-dane-disagree", "DANE and MTA-STS give opposite verdicts on an MX host"
    TLSRPT_RECORD_INVALID = "tlsrpt-record-invalid", "the TLSRPT record has a syntax error, so senders send no reports"
    OUR_ADDRESS_BANNED = (
        "our-address-banned",
        "the server refuses the address of this scanner, so it is not known whether the server supports TLS",
    )
    HELD_BACK = "held-back", "the provider of the host refused this scanner earlier, so no connection was made"
    LOCAL_LIMIT = "local-limit", "a limit of the scanning machine stopped the probe"
    INTERRUPTED = "interrupted", "the scan was stopped before the result for the domain was known"
    INTERNAL = "internal", "an internal error of mxsweep occurred: please report it"


def result_types(reasons: Iterable[Reason]) -> tuple[TLSRPT, ...]:
    """Return the distinct TLSRPT result types of reason codes, in the order of the reason codes."""
    return tuple(dict.fromkeys(reason.tlsrpt for reason in reasons if reason.tlsrpt is not None))
