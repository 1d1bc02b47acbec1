"""What one who watches a single probe hears, while it happens; ``Listener`` by itself does nothing with it.

The scan listens to nothing. ``finger`` tells its lines as they come, and keeps what came for a replay.
"""

from dataclasses import dataclass

from OpenSSL import SSL

from scanner.facts import Failure, Handshake, Reply
from scanner.net.tls import Watch


@dataclass(frozen=True, slots=True)
class Secured:
    """A handshake that succeeded: its facts and the DER of each certificate as sent.

    ``own`` is the DER of the certificate that we showed, if the server asked for one, ``own_signature`` the scheme
    of our signature with it.
    """

    handshake: Handshake
    chain: tuple[bytes, ...]
    own: bytes | None = None
    own_signature: str | None = None


class Listener(Watch):
    """Hears a probe: raw facts (``heard``, ``ended``, ``broke``) and what the dialogue made of them."""

    def heard(self, data: bytes) -> None:
        """Octets came from the peer, decrypted where TLS is spoken."""

    def ended(self) -> None:
        """The peer closed the connection where a reply was due."""

    def broke(self, failure: Failure, errors: tuple[str, ...]) -> None:
        """A stage failed; ``errors`` are those of the TLS library, ``CODE:LIBRARY::REASON``."""

    def failed(self, failure: Failure, reply: Reply | None) -> None:
        """The dialogue noted what will be the probe's failure, and the reply that says so; QUIT may yet follow."""

    def line(self, text: str) -> None:
        """A line of the transcript."""

    def resume(self, ehlo: Reply | None) -> SSL.Session | None:
        """The handshake begins, after this EHLO reply; the result is the session to resume, if there is one."""
        del ehlo
        return None

    def secured(self, facts: Secured) -> None:
        """The handshake succeeded; nothing was said under TLS yet."""
