"""What to do about each reason, said to the one who runs the mail host or the zone.

One sentence each, in the imperative where there is something to do.
"""

from scanner.reasons import Reason

_ASK_AGAIN = "Nothing was proved: scan again later; if it stays so, look at the server's log for the scanner's address."
_SIGN_AGAIN = "Have the zone signed again, and see that the DS record of its parent fits its keys."
_NO_ACTION = "Nothing needs to be done."
_RENEW = "Renew the certificate."

REMEDIES: dict[Reason, str] = {
    Reason.IMPLICIT_MX: "Publish an MX record that names the mail host.",
    Reason.NULL_MX: _NO_ACTION,
    Reason.NXDOMAIN: "Check the spelling of the domain, and its registration.",
    Reason.NO_ADDRESS: "Publish an MX record, or a null MX (RFC 7505) if the domain takes no mail.",
    Reason.MX_INSECURE: "Sign the domain's zone with DNSSEC; without that, no TLSA record can protect its mail.",
    Reason.MX_BOGUS: _SIGN_AGAIN,
    Reason.MX_LOOKUP_FAILED: "See that every name server of the zone answers questions of type MX.",
    Reason.MX_TARGET_NXDOMAIN: "Remove the MX record, or give the host that it names an address.",
    Reason.MX_TARGET_NO_ADDRESS: "Give the MX host an A or AAAA record, or remove the MX record.",
    Reason.MX_TARGET_INVALID: "Put a host name into the MX record.",
    Reason.MX_TARGET_NUMERIC: "Put a host name into the MX record: an address is not allowed there (RFC 5321 5.1).",
    Reason.MX_TARGETS_UNRESOLVABLE: "Give at least one MX host an address.",
    Reason.MX_TARGET_IS_ALIAS: "Let the MX record name the host itself instead of an alias (RFC 2181 section 10.3).",
    Reason.ADDRESS_LOOKUP_FAILED: "See that every name server of the host's zone answers questions of type A and AAAA.",
    Reason.ADDRESS_BOGUS: _SIGN_AGAIN,
    Reason.A_LOOKUP_FAILED: "See that every name server of the host's zone answers questions of type A.",
    Reason.AAAA_LOOKUP_FAILED: "See that every name server of the host's zone answers questions of type AAAA.",
    Reason.HOST_INSECURE: "Sign the MX host's zone with DNSSEC, or remove its TLSA records.",
    Reason.DNS_INDETERMINATE: "Scan again with a validating resolver on this machine, or with --trust-resolver.",
    Reason.TLSA_NONE: "Publish a TLSA record 3 1 1 for the host's key, if its zone is signed.",
    Reason.TLSA_INSECURE: "Sign the zone that holds the TLSA records with DNSSEC.",
    Reason.TLSA_LOOKUP_FAILED: (
        "Have the name servers of the host's zone answer questions of type TLSA, if only with NODATA; some firewalls "
        "drop types that they do not know."
    ),
    Reason.TLSA_BOGUS: _SIGN_AGAIN,
    Reason.TLSA_UNUSABLE_USAGE: "Replace the TLSA records by such with usage 3 (or 2): SMTP knows no other.",
    Reason.TLSA_UNUSABLE_DATA: "Replace the TLSA records: 3 1 1 and the SHA-256 digest of the key, 64 hex digits.",
    Reason.TLSA_MISMATCH: "Replace the TLSA records, and publish the next ones before each change of the key.",
    Reason.NAME_MISMATCH: "Get a certificate for the MX host's name, or publish a record with usage 3.",
    Reason.CERTIFICATE_EXPIRED: _RENEW,
    Reason.CERTIFICATE_NOT_YET_VALID: "Install a certificate that is valid already, and check the clock of its issuer.",
    Reason.CERTIFICATE_NOT_TRUSTED: "Send the whole chain up to an authority that senders know.",
    Reason.CERTIFICATE_WEAK: "Get a certificate with a key of at least RSA 2048 or EC 256 bits and a SHA-2 signature.",
    Reason.CERTIFICATE_INVALID: "Get a chain that keeps to RFC 5280 (CA flags, usages, path lengths).",
    Reason.NO_CERTIFICATE: "Configure a certificate on the server.",
    Reason.CONNECTION_REFUSED: "Start the mail server on this address, or remove the address from the DNS.",
    Reason.CONNECT_TIMEOUT: "Open port 25 of this address in the firewall, or remove the address from the DNS.",
    Reason.UNREACHABLE: "See that the address is routed, or remove it from the DNS.",
    Reason.HOST_UNREACHABLE: "Bring the mail host up, or remove its MX record.",
    Reason.SOME_ADDRESSES_UNREACHABLE: "Let the server listen on each address that the DNS gives, or remove the rest.",
    Reason.SOME_ADDRESSES_INCONCLUSIVE: _ASK_AGAIN,
    Reason.NO_ROUTE: "Scan from a machine that has this address family.",
    Reason.ADDRESS_NOT_PUBLIC: "Publish public addresses for the mail host; private ones cannot be reached by senders.",
    Reason.ADDRESS_LIMIT: "Scan with a higher --addresses.",
    Reason.FAMILY_EXCLUDED: "Scan with another --family.",
    Reason.OPTED_OUT: _NO_ACTION,
    Reason.GREETING_4XX: _ASK_AGAIN,
    Reason.GREETING_5XX: _ASK_AGAIN,
    Reason.GREETING_TIMEOUT: "See why the server takes so long to greet; senders wait five minutes at most (RFC 5321).",
    Reason.EHLO_4XX: _ASK_AGAIN,
    Reason.EHLO_REJECTED: "Let the server answer EHLO; without it, there is no STARTTLS.",
    Reason.EHLO_POLICY: _ASK_AGAIN,
    Reason.EHLO_TLS_REJECTED: "Let the server answer EHLO after STARTTLS as it does before (RFC 3207 section 4.2).",
    Reason.COMMAND_TIMEOUT: "See why the server does not answer.",
    Reason.LOST_CONNECTION: "See in the server's log why it closes the connection.",
    Reason.CONNECTION_RESET: "See in the server's or firewall's log why the connection is reset.",
    Reason.GARBLED_REPLY: "See what answers on the port: it does not speak SMTP.",
    Reason.REPLY_TOO_LONG: "Shorten the server's replies (RFC 5321 section 4.5.3.1).",
    Reason.STARTTLS_NOT_OFFERED: "Turn STARTTLS on in the mail server, and see that no firewall hides it.",
    Reason.STARTTLS_REFUSED: "See in the server's log why TLS is not available: often a key that cannot be read.",
    Reason.TLS_HANDSHAKE_FAILED: "See in the server's log why the handshake fails: key, versions, ciphers.",
    Reason.TLS_TIMEOUT: "See why the server does not finish the handshake.",
    Reason.TLS_MESSAGE_TOO_LONG: "Send fewer certificates: the chain alone is enough.",
    Reason.TLS_LEGACY_ONLY: "Turn on TLS 1.2 or 1.3, and cipher suites with a certificate.",
    Reason.TLS_LARGE_HELLO_INTOLERANT: "Update the TLS software, or what stands before it: large hellos are usual.",
    Reason.TLS_ANONYMOUS: "Configure a certificate on the server, and turn anonymous cipher suites off.",
    Reason.DELIVERED_BY_LESSER_MX: "Mend the preferred MX host.",
    Reason.LEVEL_NOT_MET: "Mend the MX hosts named beside it.",
    Reason.OUR_ADDRESS_BANNED: "Have the scanner's address taken off the list that is named, or scan from another one.",
    Reason.HELD_BACK: "Scan again later, or allow more --retries.",
    Reason.LOCAL_LIMIT: "Give the scanning machine more of what it lacked, and scan again.",
    Reason.INTERRUPTED: "Take the scan up again.",
    Reason.INTERNAL: "Please report it to the makers of mxsweep.",
}
"""Every reason has a row."""


def remedy_of(code: str) -> str:
    """Say what to do about a reason; nothing is known about one of a later version."""
    try:
        return REMEDIES[Reason(code)]
    except (ValueError, KeyError):
        return ""
