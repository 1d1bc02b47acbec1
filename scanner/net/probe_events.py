"""Events of a single probe, reported to a listener as they occur.

A probe of ``scan`` has no listener. ``finger`` prints its lines from the events of a probe, and records the events for
a replay.
"""

from dataclasses import dataclass

from OpenSSL import SSL

from scanner.core.dialogue import Dialogue
from scanner.facts import Failure, Handshake, Probe, Reply
from scanner.net.tls_wire import TLSListener
from scanner.vocabulary import Phase


@dataclass(frozen=True, slots=True)
class Secured:
    """The event of a successful TLS handshake: its facts and the DER of each certificate as sent.

    ``own`` is the DER of the client's certificate if the server requested a certificate, and ``own_signature`` is the
    scheme of the signature that the client made with its key. ``raw_key`` is the DER of the
    SubjectPublicKeyInfo that the server sent in place of certificates (RFC 7250).
    """

    handshake: Handshake
    chain: tuple[bytes, ...]
    own: bytes | None = None
    own_signature: str | None = None
    raw_key: bytes | None = None


class Listener(TLSListener):
    """Base class of listeners, which receive the events of one probe.

    A method that a subclass does not override does nothing. ``heard``, ``ended`` and ``broke`` report the input of the
    SMTP dialogue; the other methods report the results of the dialogue.
    """

    def heard(self, data: bytes) -> None:
        """Handle octets received from the peer, decrypted if TLS is active."""

    def ended(self) -> None:
        """Handle the end of the stream while a reply was expected."""

    def broke(self, failure: Failure, errors: tuple[str, ...]) -> None:
        """Handle the failure of a stage; ``errors`` are TLS library errors as ``CODE:LIBRARY::REASON``."""

    def failed(self, failure: Failure, reply: Reply | None) -> None:
        """Handle the failure that the dialogue has recorded and the reply that caused the failure.

        After the failure, the client may still send QUIT.
        """

    def line(self, text: str) -> None:
        """Handle a new line of the transcript."""

    def resume(self, ehlo: Reply | None) -> SSL.Session | None:
        """Return the TLS session to resume in the handshake that follows the EHLO reply ``ehlo``, or None."""
        del ehlo
        return None

    def secured(self, facts: Secured) -> None:
        """Handle a successful handshake, before any data is sent or received under TLS."""


class Reporter:
    """Reporter of the results of an SMTP dialogue to a listener; each result is reported once."""

    def __init__(self, dialogue: Dialogue, listener: Listener) -> None:
        self._dialogue = dialogue
        self._listener = listener
        self._lines = 0
        self._failed = False

    def report(self) -> None:
        """Report the failure and the transcript lines that were added since the last call."""
        failure = self._dialogue.failure
        if failure is not None and not self._failed:
            self._failed = True
            self._listener.failed(failure, failed_reply(self._dialogue))
        for line in self._dialogue.transcript[self._lines :]:
            self._lines += 1
            self._listener.line(line)


def failed_reply(dialogue: Dialogue | Probe) -> Reply | None:
    """Return the reply that caused the failure of a dialogue or probe, or None."""
    replies = {
        Phase.GREETING: dialogue.banner,
        Phase.EHLO: dialogue.ehlo,
        Phase.STARTTLS: dialogue.starttls_reply,
        Phase.EHLO_TLS: dialogue.ehlo_tls,
    }
    return replies.get(dialogue.failure.phase) if dialogue.failure is not None else None
