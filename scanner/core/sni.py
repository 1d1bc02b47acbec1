"""The choice of the server name (SNI, RFC 6066 section 3) for a probe of ``scan`` or ``finger``."""

from scanner.core.names import is_address
from scanner.core.tlsa import parsed
from scanner.facts import TLSALookup
from scanner.vocabulary import Level


def server_name(level: Level, tlsa: TLSALookup | None, *, choice: str = "auto", host: str = "") -> str | None:
    """Return the name to send as SNI to one MX host, None for a handshake without SNI.

    Args:
        level: the requested security level.
        tlsa: the TLSA lookup of the host; None without a TLSA lookup.
        choice: ``auto`` (as in Postfix) for the TLSA base domain of a host with TLSA records at a DANE level (RFC 7672
            section 8.1) and else no name, ``mx`` for the name of ``host``, ``none`` for no name.
        host: the MX host; an address is never sent (RFC 6066 section 3).
    """
    if choice == "mx":
        return host if host and not is_address(host) else None
    published = choice == "auto" and level.dane_based and tlsa is not None and parsed(tlsa)
    return tlsa.base_domain if tlsa is not None and published else None
