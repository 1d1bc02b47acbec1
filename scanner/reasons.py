"""The reason codes of verdicts, each with its meaning as text.

``REASONS`` contains the meaning of each reason code and its RFC 8460 (TLSRPT) result-type, if one exists. A new reason
code may be added; an existing reason code is never renamed and never changes its meaning.
"""

from enum import StrEnum
from typing import NamedTuple


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
    """The reason codes; ``REASONS`` contains their meanings."""

    IMPLICIT_MX = "implicit-mx"
    NULL_MX = "null-mx"
    NXDOMAIN = "nxdomain"
    NO_ADDRESS = "no-address"
    MX_INSECURE = "mx-insecure"
    MX_BOGUS = "mx-bogus"
    MX_LOOKUP_FAILED = "mx-lookup-failed"
    MX_TARGET_NXDOMAIN = "mx-target-nxdomain"
    MX_TARGET_NO_ADDRESS = "mx-target-no-address"
    MX_TARGET_INVALID = "mx-target-invalid"
    MX_TARGET_NUMERIC = "mx-target-numeric"
    MX_TARGETS_UNRESOLVABLE = "mx-targets-unresolvable"
    MX_TARGET_IS_ALIAS = "mx-target-is-alias"
    ADDRESS_LOOKUP_FAILED = "address-lookup-failed"
    ADDRESS_BOGUS = "address-bogus"
    A_LOOKUP_FAILED = "a-lookup-failed"
    AAAA_LOOKUP_FAILED = "aaaa-lookup-failed"
    HOST_INSECURE = "host-insecure"
    DNS_INDETERMINATE = "dns-indeterminate"
    TLSA_NONE = "tlsa-none"
    TLSA_NAME_IMPOSSIBLE = "tlsa-name-impossible"
    TLSA_INSECURE = "tlsa-insecure"
    TLSA_LOOKUP_FAILED = "tlsa-lookup-failed"
    TLSA_BOGUS = "tlsa-bogus"
    TLSA_UNUSABLE_USAGE = "tlsa-unusable-usage"
    TLSA_UNUSABLE_DATA = "tlsa-unusable-data"
    TLSA_MISMATCH = "tlsa-mismatch"
    NAME_MISMATCH = "name-mismatch"
    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_NOT_YET_VALID = "certificate-not-yet-valid"
    CERTIFICATE_NOT_TRUSTED = "certificate-not-trusted"
    CERTIFICATE_WEAK = "certificate-weak"
    CERTIFICATE_INVALID = "certificate-invalid"
    NO_CERTIFICATE = "no-certificate"
    OTHER_CERTIFICATE_MISMATCH = "other-certificate-mismatch"
    CONNECTION_REFUSED = "connection-refused"
    CONNECT_TIMEOUT = "connect-timeout"
    UNREACHABLE = "unreachable"
    HOST_UNREACHABLE = "host-unreachable"
    SOME_ADDRESSES_UNREACHABLE = "some-addresses-unreachable"
    SOME_ADDRESSES_INCONCLUSIVE = "some-addresses-inconclusive"
    NO_ROUTE = "no-route"
    ADDRESS_NOT_PUBLIC = "address-not-public"
    ADDRESS_LIMIT = "address-limit"
    HOST_LIMIT = "host-limit"
    FAMILY_EXCLUDED = "family-excluded"
    OPTED_OUT = "opted-out"
    GREETING_4XX = "greeting-4xx"
    GREETING_5XX = "greeting-5xx"
    GREETING_TIMEOUT = "greeting-timeout"
    EHLO_4XX = "ehlo-4xx"
    EHLO_REJECTED = "ehlo-rejected"
    EHLO_POLICY = "ehlo-policy"
    EHLO_TLS_REJECTED = "ehlo-tls-rejected"
    COMMAND_TIMEOUT = "command-timeout"
    LOST_CONNECTION = "lost-connection"
    CONNECTION_RESET = "connection-reset"
    GARBLED_REPLY = "garbled-reply"
    REPLY_TOO_LONG = "reply-too-long"
    STARTTLS_NOT_OFFERED = "starttls-not-offered"
    STARTTLS_REFUSED = "starttls-refused"
    TLS_HANDSHAKE_FAILED = "tls-handshake-failed"
    TLS_TIMEOUT = "tls-timeout"
    TLS_MESSAGE_TOO_LONG = "tls-message-too-long"
    CERTIFICATE_UNDECODABLE_HERE = "certificate-undecodable-here"
    DH_PRIME_TOO_LARGE = "dh-prime-too-large"
    TLS_LEGACY_ONLY = "tls-legacy-only"
    TLS_WEAK_ONLY = "tls-weak-only"
    TLS_LARGE_HELLO_INTOLERANT = "tls-large-hello-intolerant"
    TLS_ANONYMOUS = "tls-anonymous"
    INFERRED_FROM_SAMPLE = "inferred-from-sample"
    DELIVERED_BY_LESSER_MX = "delivered-by-lesser-mx"
    LEVEL_NOT_MET = "level-not-met"
    STS_RECORD_MULTIPLE = "sts-record-multiple"
    STS_RECORD_INVALID = "sts-record-invalid"
    STS_LOOKUP_FAILED = "sts-lookup-failed"
    STS_FETCH_FAILED = "sts-fetch-failed"
    STS_FETCH_REDIRECT = "sts-fetch-redirect"
    STS_FETCH_STATUS = "sts-fetch-status"
    STS_FETCH_TOO_LONG = "sts-fetch-too-long"
    STS_CERTIFICATE_INVALID = "sts-certificate-invalid"
    STS_MEDIA_TYPE = "sts-media-type"
    STS_POLICY_INVALID = "sts-policy-invalid"
    STS_MX_MISMATCH = "sts-mx-mismatch"
    STS_HOST_NO_TLS = "sts-host-no-tls"
    STS_HOST_UNTRUSTED = "sts-host-untrusted"
    STS_HOST_NAME_MISMATCH = "sts-host-name-mismatch"
    STS_DANE_DISAGREE = "sts-dane-disagree"
    TLSRPT_RECORD_INVALID = "tlsrpt-record-invalid"
    OUR_ADDRESS_BANNED = "our-address-banned"
    HELD_BACK = "held-back"
    LOCAL_LIMIT = "local-limit"
    INTERRUPTED = "interrupted"
    INTERNAL = "internal"


class ReasonText(NamedTuple):
    """A value of ``REASONS``: the meaning of a reason code as text, and the code's TLSRPT result-type, if any."""

    words: str
    tlsrpt: TLSRPT | None = None


def _row(words: str, tlsrpt: TLSRPT | None = None) -> ReasonText:
    return ReasonText(words, tlsrpt)


REASONS: dict[Reason, ReasonText] = {
    Reason.IMPLICIT_MX: _row("the domain has no MX record and is itself the mail host (RFC 5321 section 5.1)"),
    Reason.NULL_MX: _row("the domain accepts no mail (null MX, RFC 7505)"),
    Reason.NXDOMAIN: _row("the domain does not exist"),
    Reason.NO_ADDRESS: _row("the domain has neither an MX record nor an address record"),
    Reason.MX_INSECURE: _row("the MX RRset is not DNSSEC-signed, so an attacker on the network could change it"),
    Reason.MX_BOGUS: _row("DNSSEC validation of the MX RRset fails", TLSRPT.DNSSEC_INVALID),
    Reason.MX_LOOKUP_FAILED: _row("the MX lookup failed, so the MX records of the domain are not known"),
    Reason.MX_TARGET_NXDOMAIN: _row("an MX host does not exist in the DNS"),
    Reason.MX_TARGET_NO_ADDRESS: _row("an MX host has no address record"),
    Reason.MX_TARGET_INVALID: _row("the target of an MX record is not a host name"),
    Reason.MX_TARGET_NUMERIC: _row("the target of an MX record is an address instead of a host name"),
    Reason.MX_TARGETS_UNRESOLVABLE: _row("no MX host has an address"),
    Reason.MX_TARGET_IS_ALIAS: _row("an MX host is an alias (CNAME), which RFC 2181 section 10.3 forbids"),
    Reason.ADDRESS_LOOKUP_FAILED: _row("the address lookup of an MX host failed"),
    Reason.ADDRESS_BOGUS: _row("DNSSEC validation of an MX host's addresses fails", TLSRPT.DNSSEC_INVALID),
    Reason.A_LOOKUP_FAILED: _row("the A lookup of an MX host failed; its AAAA records were used"),
    Reason.AAAA_LOOKUP_FAILED: _row("the AAAA lookup of an MX host failed; its A records were used"),
    Reason.HOST_INSECURE: _row("the MX host's addresses are not DNSSEC-signed, so its TLSA records are not used"),
    Reason.DNS_INDETERMINATE: _row(
        "no trusted validating resolver was available, so DNSSEC and DANE could not be judged"
    ),
    Reason.TLSA_NONE: _row("the host has no TLSA records"),
    Reason.TLSA_NAME_IMPOSSIBLE: _row("the MX host's name is so long that TLSA records for it cannot exist"),
    Reason.TLSA_INSECURE: _row("the TLSA records of the host are not DNSSEC-signed"),
    Reason.TLSA_LOOKUP_FAILED: _row("the TLSA lookup failed, so the TLSA records are not known"),
    Reason.TLSA_BOGUS: _row("DNSSEC validation of the TLSA RRset fails", TLSRPT.DNSSEC_INVALID),
    Reason.TLSA_UNUSABLE_USAGE: _row(
        "no TLSA record has a usage that SMTP allows (2 or 3, RFC 7672 section 3.1)", TLSRPT.TLSA_INVALID
    ),
    Reason.TLSA_UNUSABLE_DATA: _row("no TLSA record has data that can be compared", TLSRPT.TLSA_INVALID),
    Reason.TLSA_MISMATCH: _row("no TLSA record matches the certificate chain", TLSRPT.VALIDATION_FAILURE),
    Reason.NAME_MISMATCH: _row(
        "a TLSA trust anchor matches, but the certificate is for another name", TLSRPT.CERTIFICATE_HOST_MISMATCH
    ),
    Reason.CERTIFICATE_EXPIRED: _row("a certificate of the server's chain has expired", TLSRPT.CERTIFICATE_EXPIRED),
    Reason.CERTIFICATE_NOT_YET_VALID: _row(
        "the validity of a certificate of the server's chain begins in the future", TLSRPT.CERTIFICATE_NOT_TRUSTED
    ),
    Reason.CERTIFICATE_NOT_TRUSTED: _row(
        "the certificate chain does not lead to a trusted authority", TLSRPT.CERTIFICATE_NOT_TRUSTED
    ),
    Reason.CERTIFICATE_WEAK: _row("a key or signature of the certificate chain is too weak", TLSRPT.VALIDATION_FAILURE),
    Reason.CERTIFICATE_INVALID: _row("the certificate chain violates a rule of RFC 5280", TLSRPT.VALIDATION_FAILURE),
    Reason.NO_CERTIFICATE: _row("the server presented no certificate", TLSRPT.VALIDATION_FAILURE),
    Reason.OTHER_CERTIFICATE_MISMATCH: _row(
        "a second certificate of the server, with another key algorithm, does not match the TLSA records",
        TLSRPT.VALIDATION_FAILURE,
    ),
    Reason.CONNECTION_REFUSED: _row("the TCP connection was refused"),
    Reason.CONNECT_TIMEOUT: _row("the TCP connection timed out"),
    Reason.UNREACHABLE: _row("the scanner has no working route to the network or host"),
    Reason.HOST_UNREACHABLE: _row("no address of the host accepted a connection"),
    Reason.SOME_ADDRESSES_UNREACHABLE: _row("some addresses of the host accepted no connection"),
    Reason.SOME_ADDRESSES_INCONCLUSIVE: _row("some addresses of the host could not be judged"),
    Reason.NO_ROUTE: _row("the scanning machine has no route for the address family (IPv4 or IPv6)"),
    Reason.ADDRESS_NOT_PUBLIC: _row("the address is special-purpose and was not contacted"),
    Reason.ADDRESS_LIMIT: _row("the host or domain has more addresses than the scan examines"),
    Reason.HOST_LIMIT: _row("the domain has more MX hosts than a scan examines"),
    Reason.FAMILY_EXCLUDED: _row("the settings of the scan exclude the address family (IPv4 or IPv6)"),
    Reason.OPTED_OUT: _row("the operator of the destination asked not to be contacted"),
    Reason.GREETING_4XX: _row("the server refused the session temporarily (4xx greeting)"),
    Reason.GREETING_5XX: _row("the server refused the session permanently (5xx greeting)"),
    Reason.GREETING_TIMEOUT: _row("the server accepted the connection but sent no greeting in time"),
    Reason.EHLO_4XX: _row("the server refused EHLO temporarily (4xx)"),
    Reason.EHLO_REJECTED: _row("the server does not support EHLO, which STARTTLS needs", TLSRPT.STARTTLS_NOT_SUPPORTED),
    Reason.EHLO_POLICY: _row(
        "the server refused EHLO by policy, so it is not known whether the server supports STARTTLS"
    ),
    Reason.EHLO_TLS_REJECTED: _row("the server refused EHLO after TLS was established"),
    Reason.COMMAND_TIMEOUT: _row("the server did not answer a command in time"),
    Reason.LOST_CONNECTION: _row("the server closed the connection during the dialogue"),
    Reason.CONNECTION_RESET: _row("the connection was reset"),
    Reason.GARBLED_REPLY: _row("the server sent data that is not an SMTP reply"),
    Reason.REPLY_TOO_LONG: _row("the server's reply is longer than any mail client would read"),
    Reason.STARTTLS_NOT_OFFERED: _row("the server does not offer STARTTLS", TLSRPT.STARTTLS_NOT_SUPPORTED),
    Reason.STARTTLS_REFUSED: _row("the server offers STARTTLS but refused it", TLSRPT.STARTTLS_NOT_SUPPORTED),
    Reason.TLS_HANDSHAKE_FAILED: _row("the TLS handshake failed", TLSRPT.VALIDATION_FAILURE),
    Reason.TLS_TIMEOUT: _row("the TLS handshake did not end in time"),
    Reason.TLS_MESSAGE_TOO_LONG: _row(
        "the server's TLS handshake message exceeds the maximum size", TLSRPT.VALIDATION_FAILURE
    ),
    Reason.CERTIFICATE_UNDECODABLE_HERE: _row(
        "the TLS library of this scanner cannot decode the server's certificate; other TLS libraries may decode it"
    ),
    Reason.DH_PRIME_TOO_LARGE: _row(
        "this scanner refuses the server's Diffie-Hellman prime of more than 4,096 bits; other clients may accept it"
    ),
    Reason.TLS_LEGACY_ONLY: _row(
        "the server supports only obsolete or anonymous TLS, which an authenticating sender refuses",
        TLSRPT.VALIDATION_FAILURE,
    ),
    Reason.TLS_WEAK_ONLY: _row(
        "the server uses TLS 1.2 with a signature or key too weak for an authenticating sender",
        TLSRPT.VALIDATION_FAILURE,
    ),
    Reason.TLS_LARGE_HELLO_INTOLERANT: _row(
        "the server fails on a large (post-quantum) ClientHello and accepts a small ClientHello"
    ),
    Reason.TLS_ANONYMOUS: _row("the TLS session has no certificate", TLSRPT.VALIDATION_FAILURE),
    Reason.INFERRED_FROM_SAMPLE: _row(
        "the MX host was not probed: its result is that of other hosts with the same addresses and TLSA records"
    ),
    Reason.DELIVERED_BY_LESSER_MX: _row(
        "a preferred MX host failed, and an MX host of lesser preference would take the mail"
    ),
    Reason.LEVEL_NOT_MET: _row("the MX hosts do not meet the requested security level", TLSRPT.DANE_REQUIRED),
    Reason.STS_RECORD_MULTIPLE: _row(
        "the domain has more than one MTA-STS record, so senders use no policy (RFC 8461 section 3.1)"
    ),
    Reason.STS_RECORD_INVALID: _row("the MTA-STS record has a syntax error, so senders use no policy"),
    Reason.STS_LOOKUP_FAILED: _row(
        "the lookup of the MTA-STS record or of the policy host failed, so the policy is not known"
    ),
    Reason.STS_FETCH_FAILED: _row("the MTA-STS policy could not be fetched", TLSRPT.STS_POLICY_FETCH_ERROR),
    Reason.STS_FETCH_REDIRECT: _row(
        "the MTA-STS policy host redirects, and senders follow no redirect (RFC 8461 section 3.3)",
        TLSRPT.STS_POLICY_FETCH_ERROR,
    ),
    Reason.STS_FETCH_STATUS: _row(
        "the MTA-STS policy host answers with an HTTP status other than 200", TLSRPT.STS_POLICY_FETCH_ERROR
    ),
    Reason.STS_FETCH_TOO_LONG: _row(
        "the response of the MTA-STS policy host is too long", TLSRPT.STS_POLICY_FETCH_ERROR
    ),
    Reason.STS_CERTIFICATE_INVALID: _row(
        "the certificate of the MTA-STS policy host is not trusted, has expired or is for another name",
        TLSRPT.STS_WEBPKI_INVALID,
    ),
    Reason.STS_MEDIA_TYPE: _row("the media type of the MTA-STS policy is not text/plain, which some senders require"),
    Reason.STS_POLICY_INVALID: _row("the MTA-STS policy has a syntax error", TLSRPT.STS_POLICY_INVALID),
    Reason.STS_MX_MISMATCH: _row("an MX host is not listed in the MTA-STS policy", TLSRPT.VALIDATION_FAILURE),
    Reason.STS_HOST_NO_TLS: _row(
        "an MX host offers no TLS although the domain has an MTA-STS policy", TLSRPT.STARTTLS_NOT_SUPPORTED
    ),
    Reason.STS_HOST_UNTRUSTED: _row(
        "an MTA-STS policy exists, but the certificate of an MX host is not trusted",
        TLSRPT.CERTIFICATE_NOT_TRUSTED,
    ),
    Reason.STS_HOST_NAME_MISMATCH: _row(
        "an MTA-STS policy exists, but the certificate of an MX host is for another name",
        TLSRPT.CERTIFICATE_HOST_MISMATCH,
    ),
    Reason.STS_DANE_DISAGREE: _row("DANE and MTA-STS give opposite verdicts on an MX host"),
    Reason.TLSRPT_RECORD_INVALID: _row("the TLSRPT record has a syntax error, so senders send no reports"),
    Reason.OUR_ADDRESS_BANNED: _row(
        "the server refuses the address of this scanner, so it is not known whether the server supports TLS"
    ),
    Reason.HELD_BACK: _row("the provider of the host refused this scanner earlier, so no connection was made"),
    Reason.LOCAL_LIMIT: _row("a limit of the scanning machine stopped the probe"),
    Reason.INTERRUPTED: _row("the scan was stopped before the result for the domain was known"),
    Reason.INTERNAL: _row("an internal error of mxsweep occurred: please report it"),
}
