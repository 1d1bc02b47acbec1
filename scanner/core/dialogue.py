"""The client side of an SMTP or LMTP session: greeting, EHLO, STARTTLS, EHLO under TLS, QUIT.

The client sends no mail. This module consumes and produces octets, without socket, clock or log. The results do not
depend on how the received octets are divided into method calls. Every transition of the session is a cell of the table
``TABLE``. A reply is judged by its code and its EHLO keywords and not by its text, except for refusals of this
scanner's address (module ``rebuffs``). Each protocol violation by the peer is recorded, but a violation ends the
session only if the dialogue cannot continue.

This module implements RFC 5321 section 4.1.1 (EHLO, QUIT) and section 4.2 (replies), RFC 3207 section 4 (STARTTLS), RFC
2033 section 4.1 (LHLO), RFC 8314 section 3 (TLS from the first octet). The client never sends HELO or mail commands,
and sends no command before the reply to the previous command. The module ``replies`` defines the limits on replies.
"""

from enum import StrEnum, auto
from functools import lru_cache
from typing import NamedTuple

from scanner.core import rebuffs
from scanner.core.replies import LINE_LIMIT, REPLY_LINES, REPLY_OCTETS, Overflow, Received, ReplyReader
from scanner.facts import Failure, Reply
from scanner.vocabulary import FailureKind, Phase, StartTLS

TRANSCRIPT_LINES = 200
"""Maximum number of lines in a transcript of ``scan``; further lines are not recorded."""

TRANSCRIPT_CHARACTERS = 64 * 1024
"""Maximum number of characters in a transcript of ``scan``; further lines are not recorded."""

TEXT_LIMIT = 500
"""Maximum number of characters of a peer's text in a failure; texts of ordinary servers are shorter."""

REMEMBERED = 256
"""Maximum number of EHLO replies whose keywords are cached, because servers of one provider send equal replies."""


class DialogueRules(NamedTuple):
    """The settings of an SMTP session in which ``scan`` differs from posttls-finger.

    With ``polite``, the client sends QUIT also after a refused greeting, EHLO or STARTTLS, where posttls-finger closes
    the connection. With ``as_postfix``, the client accepts STARTTLS also in the first line of an EHLO reply, ignores
    the lines after the first ``line_limit`` characters of that reply, and sends QUIT after a time-out of EHLO under
    TLS. ``lines`` is the maximum number of lines in a transcript.
    """

    polite: bool = True
    as_postfix: bool = False
    line_limit: int = LINE_LIMIT
    lines: int = TRANSCRIPT_LINES
    characters: int = TRANSCRIPT_CHARACTERS


SCAN_RULES = DialogueRules()

POSTFIX_RULES = DialogueRules(polite=False, as_postfix=True, lines=8 * REPLY_LINES, characters=8 * REPLY_OCTETS)
"""The rules of posttls-finger, but with complete replies in the transcript."""


# --- transitions ----------------------------------------------------------------------------------------------


class ReplyClass(StrEnum):
    """The class of a reply code (RFC 5321 section 4.2.1)."""

    DONE = "2xx"
    LATER = "4xx"
    NEVER = "5xx"
    ODD = "other"  # 1xx, 3xx and above: not a valid reply to the commands used here
    GARBAGE = "none"  # without a three-digit code: not SMTP


_CLASSES = {2: ReplyClass.DONE, 4: ReplyClass.LATER, 5: ReplyClass.NEVER}  # by the first digit


class Next(StrEnum):
    """The action of the client after a reply."""

    HELLO = auto()  # EHLO or LHLO
    SECURE = auto()  # STARTTLS if offered and wanted, else QUIT
    HANDSHAKE = auto()
    QUIT = auto()
    LEAVE = auto()  # QUIT if polite, else END
    END = auto()


class Move(NamedTuple):
    """A cell of ``TABLE``: the action of the client, the failure kind, and the resulting STARTTLS state."""

    then: Next
    failure: FailureKind | None = None
    starttls: StartTLS | None = None


_NO = Move(Next.LEAVE, FailureKind.REJECTED)
_NO_EHLO = Move(Next.LEAVE, FailureKind.REJECTED, StartTLS.NOT_OFFERED)
_NO_TLS = Move(Next.LEAVE, FailureKind.REJECTED, StartTLS.REFUSED)
_NOTED = Move(Next.QUIT, FailureKind.REJECTED)
_NOT_SMTP = Move(Next.END, FailureKind.GARBAGE)
_NOT_SMTP_ANY_MORE = Move(Next.QUIT, FailureKind.GARBAGE)
_BYE = Move(Next.END)
_GREETED, _SAID_HELLO, _AGREED, _ALL_SEEN = map(Move, (Next.HELLO, Next.SECURE, Next.HANDSHAKE, Next.QUIT))

# A server that refuses EHLO with 5xx cannot offer STARTTLS. Any other refusal leaves STARTTLS unknown. Under TLS a
# refusal is recorded and the session ends with QUIT, since all facts are known.
# fmt: off
_ROWS = {  #         2xx          4xx      5xx       other    no code
    Phase.GREETING: (_GREETED,    _NO,     _NO,      _NO,     _NOT_SMTP),
    Phase.EHLO:     (_SAID_HELLO, _NO,     _NO_EHLO, _NO,     _NOT_SMTP),
    Phase.STARTTLS: (_AGREED,     _NO_TLS, _NO_TLS,  _NO_TLS, _NOT_SMTP),
    Phase.EHLO_TLS: (_ALL_SEEN,   _NOTED,  _NOTED,   _NOTED,  _NOT_SMTP_ANY_MORE),
    Phase.QUIT:     (_BYE,        _BYE,    _BYE,     _BYE,    _BYE),
}
# fmt: on

TABLE: dict[tuple[Phase, ReplyClass], Move] = {
    (phase, cls): move for phase, moves in _ROWS.items() for cls, move in zip(ReplyClass, moves, strict=True)
}
"""The action (``Move``) by phase of the session and reply class, for each phase in which the client expects a reply."""

_PROPER = {Phase.GREETING: 220, Phase.EHLO: 250, Phase.STARTTLS: 220, Phase.EHLO_TLS: 250, Phase.QUIT: 221}
"""The success codes of RFC 5321 section 4.3.2 and RFC 3207 section 4; any other 2xx code is accepted and recorded as a
defect.
"""


# --- state machine --------------------------------------------------------------------------------------------


_NOT_READING = (Phase.HANDSHAKE, Phase.DONE)


class Dialogue:
    """State machine of the client side of one SMTP or LMTP session.

    Args:
        ehlo_name: the name to send in EHLO.
        lmtp: send LHLO instead of EHLO.
        implicit_tls: TLS precedes the greeting; the only EHLO is sent under TLS.
        want_tls: use STARTTLS if offered; if false together with ``implicit_tls``, only QUIT is sent.
        ehlo_after_tls: send a second EHLO after STARTTLS.
        rules: the rules in which ``scan`` and posttls-finger differ.

    The attributes contain the facts about the server that were observed so far. With TLS from the first octet, the
    session starts in the handshake phase. The caller sends the octets of ``bytes_to_send`` after each method call, and
    stops when ``over`` is true: a method call after the end of the session raises RuntimeError. Octets from the peer
    never cause an exception.
    """

    def __init__(
        self,
        ehlo_name: str,
        *,
        lmtp: bool = False,
        implicit_tls: bool = False,
        want_tls: bool = True,
        ehlo_after_tls: bool = True,
        rules: DialogueRules = SCAN_RULES,
    ) -> None:
        """Start a session; raise ValueError if the EHLO name contains characters that are not allowed in a command."""
        if not (ehlo_name.isascii() and ehlo_name.isprintable() and ehlo_name) or " " in ehlo_name:
            raise ValueError(f"not a name for EHLO: {ehlo_name!r}")
        self._hello = f"{'LHLO' if lmtp else 'EHLO'} {ehlo_name}"
        self._want_tls = want_tls
        self._ehlo_after_tls = ehlo_after_tls
        self._rules = rules
        self._secured = False
        self._reader = ReplyReader(rules.line_limit)
        self._defects: dict[str, None] = {}
        self._out = b""
        self._written = 0
        self.phase = Phase.HANDSHAKE if implicit_tls else Phase.GREETING
        self.starttls = StartTLS.IMPLICIT if implicit_tls else StartTLS.UNKNOWN
        self.banner: Reply | None = None
        self.ehlo: Reply | None = None
        self.starttls_reply: Reply | None = None
        self.ehlo_tls: Reply | None = None
        self.keywords: tuple[str, ...] = ()
        self.failure: Failure | None = None
        self.transcript: list[str] = []
        if implicit_tls and not want_tls:  # in clear text, as in posttls-finger
            self.starttls = StartTLS.UNKNOWN
            self._send("QUIT", Phase.QUIT)

    @property
    def over(self) -> bool:
        """True if the session has ended."""
        return self.phase is Phase.DONE

    @property
    def defects(self) -> tuple[str, ...]:
        """The distinct protocol violations of the peer that did not end the session."""
        return tuple(dict.fromkeys((*self._defects, *self._reader.defects)))

    def receive(self, data: bytes | bytearray) -> None:
        """Process octets from the peer: clear text before ``tls_established``, decrypted text afterwards."""
        if self.phase is Phase.HANDSHAKE:
            self._plaintext_left()
            return
        self._must_be_alive()
        self._reader.feed(data)
        while self.phase not in _NOT_READING and (item := self._reader.next_reply()) is not None:
            if isinstance(item, Overflow):
                self.broken(Failure(self.phase, FailureKind.TOO_LONG, text=item.text))
            else:
                self._replied(item)

    def end_of_stream(self) -> None:
        """Record that the peer closed the connection."""
        self.broken(Failure(self.phase, FailureKind.CLOSED))

    def broken(self, failure: Failure) -> None:
        """Record the failure that ended the connection: an error, a time-out, the end of the stream.

        A failure after QUIT is recorded only as a defect, except for an internal error.
        """
        self._must_be_alive()
        self._log(self._reader.unfinished)
        if self._rules.as_postfix and (self.phase, failure.kind) == (Phase.EHLO_TLS, FailureKind.TIMEOUT):
            self.failure = failure
            self._reader.discard()
            self._send("QUIT", Phase.QUIT)
            return
        if self.phase is not Phase.QUIT or failure.kind is FailureKind.INTERNAL:
            self.failure = failure
        elif (
            self.failure is None or self.failure.code != rebuffs.CLOSING
        ):  # RFC 5321 section 3.8: after 421 the server may close
            self._note("quit-unanswered")
        self.phase = Phase.DONE

    def tls_established(self) -> None:
        """Record that the handshake succeeded, and discard all clear text (RFC 3207 section 4.2)."""
        if self.phase is not Phase.HANDSHAKE:
            raise RuntimeError(f"TLS established in phase {self.phase}")
        self._defects = dict.fromkeys(self.defects)
        self._reader = ReplyReader(self._rules.line_limit)
        self._secured = True
        if self.starttls is StartTLS.IMPLICIT:
            self.phase = Phase.GREETING
        else:
            self._go(Next.HELLO)

    def bytes_to_send(self) -> bytes:
        """Return the octets to send now, and remove them from the buffer."""
        data, self._out = self._out, b""
        return data

    def _replied(self, received: Received) -> None:
        phase, reply = self.phase, received.reply
        self._log(received.heard)
        self._remember(phase, reply)
        move = TABLE[phase, reply_class(reply.code)]
        self.starttls = self._known(move, reply)
        if move.failure is not None:
            self.failure = Failure(phase, move.failure, reply.code or None, " ".join(reply.lines)[:TEXT_LIMIT])
        self._go(move.then)

    def _remember(self, phase: Phase, reply: Reply) -> None:
        match phase:
            case Phase.GREETING:
                self.banner = reply
            case Phase.EHLO:
                self.ehlo, self.keywords = reply, keywords_of(reply)
            case Phase.STARTTLS:
                self.starttls_reply = reply
            case Phase.EHLO_TLS:
                self.ehlo_tls = reply
                if self.starttls is StartTLS.IMPLICIT:
                    self.keywords = keywords_of(reply)
        if reply.code != _PROPER[phase] and reply_class(reply.code) is ReplyClass.DONE:
            self._note(f"{phase}-reply-not-{_PROPER[phase]}")

    def _known(self, move: Move, reply: Reply) -> StartTLS:
        """Return the STARTTLS state after a transition; after an accepted EHLO, the EHLO keywords determine the state.

        An inconclusive refusal (see the module ``rebuffs``) does not change the STARTTLS state.
        """
        if move.then is Next.SECURE:
            return StartTLS.OFFERED if self._offered(reply) else StartTLS.NOT_OFFERED
        if move.starttls is None:
            return self.starttls
        inconclusive = rebuffs.shows_nothing_of_tls(self.phase, reply.code, " ".join(reply.lines))
        return self.starttls if inconclusive else move.starttls

    def _offered(self, reply: Reply) -> bool:
        if not self._rules.as_postfix:
            return "STARTTLS" in self.keywords
        return "STARTTLS" in _keywords(_kept(reply.lines, self._rules.line_limit))

    def _go(self, then: Next) -> None:
        match then:
            case Next.HANDSHAKE:
                self._start_tls()
            case Next.HELLO if not self._secured:
                self._send(self._hello, Phase.EHLO)
            case Next.HELLO if self._ehlo_after_tls:
                self._send(self._hello, Phase.EHLO_TLS)
            case Next.SECURE if self._want_tls and self.starttls is StartTLS.OFFERED:
                self._send("STARTTLS", Phase.STARTTLS)
            case Next.END:
                self.phase = Phase.DONE
            case Next.LEAVE if not self._rules.polite:
                self.phase = Phase.DONE
            case _:
                self._send("QUIT", Phase.QUIT)

    def _send(self, command: str, phase: Phase) -> None:
        self._log((f"> {command}",))
        self._out += f"{command}\r\n".encode("ascii")
        self.phase = phase

    def _start_tls(self) -> None:
        self.phase = Phase.HANDSHAKE
        if self._reader.discard():
            self._plaintext_left()

    def _plaintext_left(self) -> None:
        """Record clear text that the peer sent after STARTTLS, which an attacker may have injected (CVE-2011-0411)."""
        self._note("plaintext-after-starttls")

    def _note(self, defect: str) -> None:
        self._defects[defect] = None

    def _log(self, lines: tuple[str, ...]) -> None:
        self._written += sum(map(len, lines))
        if self._written <= self._rules.characters:
            self.transcript += lines[: self._rules.lines - len(self.transcript)]

    def _must_be_alive(self) -> None:
        if self.phase is Phase.DONE:
            raise RuntimeError("the dialogue is over")


# --- helpers --------------------------------------------------------------------------------------------------


def reply_class(code: int) -> ReplyClass:
    """Return the class of a reply code (RFC 5321 section 4.2.1); code 0 means that the reply has no code."""
    if code == 0:
        return ReplyClass.GARBAGE
    return _CLASSES.get(code // 100, ReplyClass.ODD)


def keywords_of(reply: Reply) -> tuple[str, ...]:
    """Return the keywords of an EHLO reply, in upper case (RFC 5321 section 4.1.1.1).

    The first line of an EHLO reply is the greeting and contains no keyword. A keyword ends at a space, a TAB or an
    equals sign (as in old forms of the AUTH keyword).
    """
    return _keywords(reply.lines[1:])


def _kept(lines: tuple[str, ...], limit: int) -> tuple[str, ...]:
    """Return the lines of a reply that Postfix keeps: the lines before the text reaches the length limit."""
    size = 0
    for number, line in enumerate(lines):
        if size >= limit:
            return lines[:number]
        size += len(line) + bool(size)
    return lines


@lru_cache(REMEMBERED)
def _keywords(lines: tuple[str, ...]) -> tuple[str, ...]:
    words = [line.replace("=", " ").split(None, 1) for line in lines]
    return tuple([word[0].upper() for word in words if word])
