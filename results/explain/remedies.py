"""Texts of the remedies for reason codes, for the operator of the mail host, of the zone or of the scanner."""

from scanner.reasons import Reason

_SCAN_AGAIN = (
    "Scan again later, because the result is inconclusive. "
    "If later results are inconclusive too, search the server's log for the scanner's address."
)
_SIGN_AGAIN = "Sign the zone again, and make sure that the DS record in the parent zone matches the keys of the zone."
_NO_ACTION = "No action is needed."
_RENEW = "Renew the certificate."

REMEDIES: dict[Reason, str] = {
    Reason.IMPLICIT_MX: "Publish an MX record that names the mail host.",
    Reason.NULL_MX: _NO_ACTION,
    Reason.NXDOMAIN: "Check the spelling and the registration of the domain.",
    Reason.NO_ADDRESS: "Publish an MX record, or a null MX (RFC 7505) if the domain takes no mail.",
    Reason.MX_INSECURE: (
        "Sign the domain's zone with DNSSEC. Without DNSSEC, TLSA records do not protect the domain's mail."
    ),
    Reason.MX_BOGUS: _SIGN_AGAIN,
    Reason.MX_LOOKUP_FAILED: "Make sure that every name server of the zone answers queries of type MX.",
    Reason.MX_TARGET_NXDOMAIN: (
        "Remove the MX record, or publish an address record for the named host. "
        "If the domain has no MX record, check the spelling and the registration of the domain."
    ),
    Reason.MX_TARGET_NO_ADDRESS: "Publish an A or AAAA record for the MX host, or remove the MX record.",
    Reason.MX_TARGET_INVALID: "Name a host in the MX record.",
    Reason.MX_TARGET_NUMERIC: "Name a host in the MX record. MX records cannot name addresses (RFC 5321 section 5.1).",
    Reason.MX_TARGETS_UNRESOLVABLE: "Publish an address record for at least one MX host.",
    Reason.MX_TARGET_IS_ALIAS: "Name the host in the MX record, not an alias of the host (RFC 2181 section 10.3).",
    Reason.ADDRESS_LOOKUP_FAILED: "Make sure that every name server of the host's zone answers A and AAAA queries.",
    Reason.ADDRESS_BOGUS: _SIGN_AGAIN,
    Reason.A_LOOKUP_FAILED: "Make sure that every name server of the host's zone answers queries of type A.",
    Reason.AAAA_LOOKUP_FAILED: "Make sure that every name server of the host's zone answers queries of type AAAA.",
    Reason.HOST_INSECURE: "Sign the MX host's zone with DNSSEC, or remove the TLSA records of the host.",
    Reason.DNS_INDETERMINATE: "Scan again with a validating resolver on this machine, or with --trust-resolver.",
    Reason.TLSA_NONE: "Publish a TLSA record 3 1 1 of the host's key, if the host's zone is DNSSEC-signed.",
    Reason.TLSA_INSECURE: "Sign the zone of the TLSA records with DNSSEC.",
    Reason.TLSA_LOOKUP_FAILED: (
        "Make sure that the name servers of the host's zone answer queries of type TLSA, also where no record exists. "
        "Some firewalls drop DNS queries of types unknown to them."
    ),
    Reason.TLSA_BOGUS: _SIGN_AGAIN,
    Reason.TLSA_NAME_IMPOSSIBLE: "Give the MX host a shorter name if the host is to have TLSA records.",
    Reason.TLSA_UNUSABLE_USAGE: ("Replace the TLSA records by records with usage 3 or 2. SMTP ignores other usages."),
    Reason.TLSA_UNUSABLE_DATA: "Replace the TLSA records by 3 1 1 with the SHA-256 digest of the key, 64 hex digits.",
    Reason.TLSA_MISMATCH: "Replace the TLSA records. Publish the record of a new key before each change of the key.",
    Reason.NAME_MISMATCH: "Get a certificate for the name of the MX host, or publish a TLSA record with usage 3.",
    Reason.CERTIFICATE_EXPIRED: _RENEW,
    Reason.CERTIFICATE_NOT_YET_VALID: "Install a certificate that is already valid, and check the clock of its issuer.",
    Reason.CERTIFICATE_NOT_TRUSTED: "Send a complete certificate chain of a certificate authority that senders trust.",
    Reason.CERTIFICATE_WEAK: "Get a certificate with a key of at least RSA 2048 or EC 256 bits and a SHA-2 signature.",
    Reason.CERTIFICATE_INVALID: (
        "Get a certificate chain that conforms to RFC 5280 (CA flags, key usages, path lengths)."
    ),
    Reason.NO_CERTIFICATE: "Configure a certificate on the server.",
    Reason.OTHER_CERTIFICATE_MISMATCH: (
        "Publish a TLSA record for the key of each certificate of the server, or remove the second certificate."
    ),
    Reason.CONNECTION_REFUSED: "Start the mail server on this address, or remove the address from the DNS.",
    Reason.CONNECT_TIMEOUT: "Open port 25 of this address in the firewall, or remove the address from the DNS.",
    Reason.UNREACHABLE: "Make sure that the address is routed, or remove the address from the DNS.",
    Reason.HOST_UNREACHABLE: "Start the mail host, or remove the MX record of the host.",
    Reason.SOME_ADDRESSES_UNREACHABLE: "Make the server listen on all addresses that the DNS contains for the host.",
    Reason.SOME_ADDRESSES_INCONCLUSIVE: _SCAN_AGAIN,
    Reason.NO_ROUTE: "Scan from a machine with a route for the family (IPv4 or IPv6) of the address.",
    Reason.ADDRESS_NOT_PUBLIC: "Publish public addresses of the mail host. Senders cannot reach private addresses.",
    Reason.ADDRESS_LIMIT: "Scan with a higher --addresses or --domain-addresses.",
    Reason.HOST_LIMIT: "Scan with a higher --hosts.",
    Reason.FAMILY_EXCLUDED: "Scan with another --family.",
    Reason.OPTED_OUT: _NO_ACTION,
    Reason.GREETING_4XX: _SCAN_AGAIN,
    Reason.GREETING_5XX: _SCAN_AGAIN,
    Reason.GREETING_TIMEOUT: "Find the cause of the late greeting. Senders wait at most five minutes for a greeting.",
    Reason.EHLO_4XX: _SCAN_AGAIN,
    Reason.EHLO_REJECTED: "Configure the server to accept EHLO. STARTTLS needs EHLO.",
    Reason.EHLO_POLICY: _SCAN_AGAIN,
    Reason.EHLO_TLS_REJECTED: (
        "Configure the server to accept EHLO after STARTTLS as before STARTTLS (RFC 3207 section 4.2)."
    ),
    Reason.COMMAND_TIMEOUT: "Find out from the server's log why the server does not answer a command.",
    Reason.LOST_CONNECTION: "Find out from the server's log why the server closes the connection.",
    Reason.CONNECTION_RESET: "Find out from the log of the server or firewall why the connection is reset.",
    Reason.GARBLED_REPLY: "Check the service on the port: the service does not speak SMTP.",
    Reason.REPLY_TOO_LONG: "Shorten the server's replies (RFC 5321 section 4.5.3.1).",
    Reason.STARTTLS_NOT_OFFERED: (
        "Turn STARTTLS on in the mail server, and make sure that no firewall removes STARTTLS from the replies."
    ),
    Reason.STARTTLS_REFUSED: (
        "Find the cause in the server's log. A frequent cause is a key file that the server cannot read."
    ),
    Reason.TLS_HANDSHAKE_FAILED: (
        "Find the cause in the server's log. Possible causes are the key, the TLS versions and the cipher suites."
    ),
    Reason.TLS_TIMEOUT: "Find out from the server's log why the server does not finish the handshake.",
    Reason.TLS_MESSAGE_TOO_LONG: "Send fewer certificates. Clients need only the server certificate and its issuers.",
    Reason.CERTIFICATE_UNDECODABLE_HERE: "Replace the certificate by a certificate whose encoding follows RFC 5280.",
    Reason.DH_PRIME_TOO_LARGE: "Use elliptic curves, or a Diffie-Hellman group of at most 4,096 bits (RFC 7919).",
    Reason.TLS_LEGACY_ONLY: "Turn on TLS 1.2 or 1.3 and cipher suites that use a certificate.",
    Reason.TLS_WEAK_ONLY: "Use a key of at least 2,048 bits (RSA) or 256 bits (ECDSA), and signatures with SHA-256.",
    Reason.TLS_LARGE_HELLO_INTOLERANT: "Update the TLS software or firewall. Large ClientHello messages are common.",
    Reason.TLS_ANONYMOUS: "Configure a certificate on the server, and turn anonymous cipher suites off.",
    Reason.INFERRED_FROM_SAMPLE: "Scan without --sni-sample to probe the MX host itself.",
    Reason.DELIVERED_BY_LESSER_MX: "Repair the MX host with the best preference.",
    Reason.LEVEL_NOT_MET: "Repair the failing MX hosts of the domain.",
    Reason.STS_RECORD_MULTIPLE: "Publish exactly one TXT record that begins with v=STSv1; at the name _mta-sts.",
    Reason.STS_RECORD_INVALID: "Publish the record v=STSv1; id=ID, where ID is 1 to 32 letters and digits.",
    Reason.STS_LOOKUP_FAILED: "Make sure that every name server of the zone answers queries below the domain.",
    Reason.STS_FETCH_FAILED: (
        "Make https://mta-sts.DOMAIN/.well-known/mta-sts.txt reachable on every address of its host, or remove the "
        "TXT record."
    ),
    Reason.STS_FETCH_REDIRECT: "Serve the policy at its own URL, without a redirect.",
    Reason.STS_FETCH_STATUS: "Serve the policy at https://mta-sts.DOMAIN/.well-known/mta-sts.txt with status 200.",
    Reason.STS_FETCH_TOO_LONG: "Shorten the policy to at most 64 KiB. A line mx: *.example.com covers many hosts.",
    Reason.STS_CERTIFICATE_INVALID: "Get a certificate for mta-sts.DOMAIN from an authority that senders trust.",
    Reason.STS_MEDIA_TYPE: "Serve the policy with the media type text/plain.",
    Reason.STS_POLICY_INVALID: (
        "Correct the policy (RFC 8461 section 3.2): the lines version: STSv1, mode, max_age and, for each MX host, mx."
    ),
    Reason.STS_MX_MISMATCH: "Add a line mx: HOST for the MX host to the policy, then change the id of the TXT record.",
    Reason.STS_HOST_NO_TLS: "Turn STARTTLS on at the MX host. Until STARTTLS works, set the policy's mode to testing.",
    Reason.STS_HOST_UNTRUSTED: "Send the whole chain, issued by a certificate authority that senders trust.",
    Reason.STS_HOST_NAME_MISMATCH: "Get a certificate with the name of the MX host as subjectAltName.",
    Reason.STS_DANE_DISAGREE: "Repair the mechanism that fails. A sender that uses only this mechanism sends no mail.",
    Reason.TLSRPT_RECORD_INVALID: "Publish one TXT record v=TLSRPTv1; rua=mailto:ADDRESS at the name _smtp._tls.",
    Reason.OUR_ADDRESS_BANNED: "Have the scanner's address removed from the block list, or scan from another address.",
    Reason.HELD_BACK: "Scan again later, or allow more --retries.",
    Reason.LOCAL_LIMIT: "Give the scanning machine more of the missing resource, and scan again.",
    Reason.INTERRUPTED: "Resume the scan.",
    Reason.INTERNAL: "Report the error to the developers of mxsweep.",
}
"""The remedy for each reason code, as one or two sentences."""


def remedy_of(code: str) -> str:
    """Return the remedy for a reason code; empty for an unknown code."""
    try:
        return REMEDIES[Reason(code)]
    except (ValueError, KeyError):
        return ""
