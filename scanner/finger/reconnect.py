"""``-r`` and ``-m``: come again and see whether it is the same server, by its taking up the session it gave.

A session is kept under a key that says with whom and how it was made; another server's EHLO name makes another key,
so that a load balancer shows as a session that nobody finds.
"""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.facts import Reply, TLSARecord
from scanner.settings import TLSProfile

if TYPE_CHECKING:
    from OpenSSL import SSL


class Sessions:
    """The sessions of one run, by key, and how often one was saved and one was found."""

    def __init__(self) -> None:
        self._kept: dict[str, SSL.Session] = {}
        self.saves = 0
        self.hits = 0

    def find(self, key: str) -> "SSL.Session | None":
        """The session under a key."""
        session = self._kept.get(key)
        self.hits += session is not None
        return session

    def keep(self, key: str, session: "SSL.Session") -> None:
        """Keep a session; an older one under this key is forgotten."""
        self._kept[key] = session


@dataclass(frozen=True, slots=True)
class Terms:
    """What two connections must have in common for one to resume the other's session."""

    address: str
    port: int
    profile: TLSProfile
    sni: str | None
    records: tuple[TLSARecord, ...]
    doomed: bool

    def key(self, ehlo: Reply | None) -> str:
        """The key; the first word of the server's EHLO reply goes into it."""
        from OpenSSL import SSL  # noqa: PLC0415 - who comes only once does without this module's work

        name = ehlo.lines[0].split(" ")[0] if ehlo is not None and ehlo.lines else ""
        facts = (name, SSL.OpenSSL_version(SSL.OPENSSL_VERSION), self.profile, self.sni, self.records, self.doomed)
        return f"[{self.address}]:{self.port}&{hashlib.sha256(repr(facts).encode()).hexdigest().upper()}"


def verdict(sessions: Sessions, left: int) -> str | None:
    """Why not to come again, None if that is to be done.

    Args:
        sessions: those of the run so far.
        left: how many more connections may be made.
    """
    if sessions.saves == 0:
        return "Server declined session caching. Done reconnecting."
    if sessions.hits > 0:
        return "Found a previously used server.  Done reconnecting."
    return "Maximum reconnect count reached." if left <= 0 else None
