"""Reconnecting (``-r``, ``-m``): the session cache, and the test of whether the server resumes its TLS sessions.

The cache key of a TLS session is made from the peer and the settings of the handshake. The cache key includes the
server's EHLO name, so that a session of one server behind a load balancer is not offered to another server.
"""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from scanner.core.policy import Policy
from scanner.facts import Reply, TLSARecord
from scanner.finger.addresses import HostAddress
from scanner.settings import TLSProfile

if TYPE_CHECKING:
    from OpenSSL import SSL


class SessionCache:
    """The TLS sessions of one finger run by cache key, and the numbers of stored and found sessions."""

    def __init__(self) -> None:
        self._kept: dict[str, SSL.Session] = {}
        self.saves = 0
        self.hits = 0

    def find(self, key: str) -> "SSL.Session | None":
        """Return the TLS session with this cache key, or None."""
        session = self._kept.get(key)
        self.hits += session is not None
        return session

    def keep(self, key: str, session: "SSL.Session") -> None:
        """Store a TLS session under its cache key, in place of an older session with the same key."""
        self._kept[key] = session


def session_key(
    host_address: HostAddress, rule: Policy, profile: TLSProfile, records: Sequence[TLSARecord], ehlo: Reply | None
) -> str:
    """Return the cache key of a TLS session, from the values that must be equal for a connection to resume the session.

    The name of the server in its EHLO reply is one of these values.
    """
    from OpenSSL import SSL  # noqa: PLC0415 - a run without reconnecting does not need it

    name = ehlo.lines[0].split(" ")[0] if ehlo is not None and ehlo.lines else ""
    facts = (name, SSL.OpenSSL_version(SSL.OPENSSL_VERSION), profile, rule.sni, records, rule.forced_failure)
    digest = hashlib.sha256(repr(facts).encode()).hexdigest().upper()
    return f"[{host_address.address}]:{host_address.port}&{digest}"


def verdict(sessions: SessionCache, left: int) -> str | None:
    """Return the line printed at the end of reconnecting, or None if the run must connect again.

    Args:
        sessions: the TLS sessions of the run so far.
        left: the number of connections that may still be made.
    """
    if sessions.saves == 0:
        return "Server declined session caching. Done reconnecting."
    if sessions.hits > 0:
        return "Found a previously used server.  Done reconnecting."
    return "Maximum reconnect count reached." if left <= 0 else None
