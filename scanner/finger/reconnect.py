"""Reconnecting (``-r``, ``-m``): whether the server resumes its own session.

A session is cached under a key made from the peer and the terms of the handshake. Another EHLO name makes another key,
so that behind a load balancer no session is found.
"""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.facts import Reply, TLSARecord
from scanner.settings import TLSProfile

if TYPE_CHECKING:
    from OpenSSL import SSL


class SessionCache:
    """The sessions of one run by key, and how many were saved and found."""

    def __init__(self) -> None:
        self._kept: dict[str, SSL.Session] = {}
        self.saves = 0
        self.hits = 0

    def find(self, key: str) -> "SSL.Session | None":
        """Return the session under a key, None if there is none."""
        session = self._kept.get(key)
        self.hits += session is not None
        return session

    def keep(self, key: str, session: "SSL.Session") -> None:
        """Cache a session; an older one under this key is dropped."""
        self._kept[key] = session


@dataclass(frozen=True, slots=True)
class SessionTerms:
    """The terms that two connections must share for one to resume the other's session."""

    address: str
    port: int
    profile: TLSProfile
    sni: str | None
    records: tuple[TLSARecord, ...]
    doomed: bool

    def key(self, ehlo: Reply | None) -> str:
        """Return the key, which includes the first word of the server's EHLO reply."""
        from OpenSSL import SSL  # noqa: PLC0415 - who comes only once does without this module's work

        name = ehlo.lines[0].split(" ")[0] if ehlo is not None and ehlo.lines else ""
        facts = (name, SSL.OpenSSL_version(SSL.OPENSSL_VERSION), self.profile, self.sni, self.records, self.doomed)
        return f"[{self.address}]:{self.port}&{hashlib.sha256(repr(facts).encode()).hexdigest().upper()}"


def verdict(sessions: SessionCache, left: int) -> str | None:
    """Return the line that ends reconnecting, None to connect again.

    Args:
        sessions: the sessions of the run so far.
        left: the number of connections that may still be made.
    """
    if sessions.saves == 0:
        return "Server declined session caching. Done reconnecting."
    if sessions.hits > 0:
        return "Found a previously used server.  Done reconnecting."
    return "Maximum reconnect count reached." if left <= 0 else None
