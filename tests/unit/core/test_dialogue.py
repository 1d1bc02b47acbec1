"""The dialogue: conversations with expected outcome, each run whole, octet by octet and split at random."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.core.dialogue import (
    POSTFIX_RULES,
    TABLE,
    TEXT_LIMIT,
    TRANSCRIPT_CHARACTERS,
    TRANSCRIPT_LINES,
    Dialogue,
    ReplyClass,
    keywords_of,
    reply_class,
)
from scanner.facts import Failure, Reply
from scanner.vocabulary import FailureKind, Phase, StartTLS

HELLO = b"220 mx ESMTP\r\n"
EHLO = b"250-mx\r\n250-SIZE 1000\r\n250 STARTTLS\r\n"
PLAIN = b"250-mx\r\n250 SIZE 1000\r\n"
LONG_EHLO = b"250-mx\r\n" + (b"250-" + b"x" * 511 + b"\r\n") * 4 + b"250 STARTTLS\r\n"
READY = b"220 go ahead\r\n"
BYE = b"221 bye\r\n"
SAID = "EHLO me\r\nSTARTTLS\r\n"


@dataclass
class Dialog:
    name: str
    clear: bytes
    failure: Failure | None
    starttls: StartTLS
    sent: str
    secured: bytes = b""
    defects: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)


def no(phase: Phase, code: int, text: str) -> Failure:
    return Failure(phase, FailureKind.REJECTED, code, text)


def lost(phase: Phase) -> Failure:
    return Failure(phase, FailureKind.CLOSED)


CLI = {"rules": POSTFIX_RULES}
WRAPPED = {"implicit_tls": True}
G, E, S, T = Phase.GREETING, Phase.EHLO, Phase.STARTTLS, Phase.EHLO_TLS
OFFERED, NOT_OFFERED, UNKNOWN = StartTLS.OFFERED, StartTLS.NOT_OFFERED, StartTLS.UNKNOWN
REFUSED, IMPLICIT = StartTLS.REFUSED, StartTLS.IMPLICIT
TLS_SENT = SAID + "EHLO me\r\nQUIT\r\n"

CASES = [
    Dialog("all well", HELLO + EHLO + READY, None, OFFERED, TLS_SENT, secured=PLAIN + BYE),
    Dialog("no STARTTLS", HELLO + PLAIN + BYE, None, NOT_OFFERED, "EHLO me\r\nQUIT\r\n"),
    Dialog("keyword in any case", HELLO + b"250-mx\r\n250 StartTls\r\n" + b"454 no\r\n" + BYE,
         no(S, 454, "no"), REFUSED, SAID + "QUIT\r\n"),
    Dialog("keyword only as a whole word", HELLO + b"250-mx\r\n250 STARTTLSX\r\n" + BYE, None, NOT_OFFERED,
         "EHLO me\r\nQUIT\r\n"),
    Dialog("the first line holds no keyword", HELLO + b"250 STARTTLS\r\n" + BYE, None, NOT_OFFERED,
         "EHLO me\r\nQUIT\r\n"),
    Dialog("level none", HELLO + EHLO + BYE, None, OFFERED, "EHLO me\r\nQUIT\r\n", options={"want_tls": False}),
    Dialog("no second EHLO", HELLO + EHLO + READY, None, OFFERED, SAID + "QUIT\r\n", secured=BYE,
         options={"ehlo_after_tls": False}),
    Dialog("LMTP", HELLO + PLAIN + BYE, None, NOT_OFFERED, "LHLO me\r\nQUIT\r\n", options={"lmtp": True}),
    # the greeting
    Dialog("421", b"421 4.3.2 busy\r\n", no(G, 421, "4.3.2 busy"), UNKNOWN, "QUIT\r\n"),
    Dialog("554", b"554-go\r\n554 away\r\n" + BYE, no(G, 554, "go away"), UNKNOWN, "QUIT\r\n"),
    Dialog("554, finger", b"554 5.7.1 away\r\n", no(G, 554, "5.7.1 away"), UNKNOWN, "", options=CLI),
    Dialog("3xx", b"354 go on\r\n" + BYE, no(G, 354, "go on"), UNKNOWN, "QUIT\r\n"),
    Dialog("garbage", b"HTTP/1.1 400\r\n",
         Failure(G, FailureKind.GARBAGE, None, "HTTP/1.1 400"), UNKNOWN, ""),
    Dialog("closed", b"", lost(G), UNKNOWN, ""),
    Dialog("closed within a line", b"220 m", lost(G), UNKNOWN, ""),
    Dialog("endless line", b"x" * 9000,
         Failure(G, FailureKind.TOO_LONG, None, "a line of more than 4096 octets"), UNKNOWN, ""),
    Dialog("250 greets too", b"250 mx\r\n" + PLAIN + BYE, None, NOT_OFFERED, "EHLO me\r\nQUIT\r\n",
         defects=("greeting-reply-not-220",)),
    # EHLO
    Dialog("EHLO 5xx", HELLO + b"502 what\r\n" + BYE, no(E, 502, "what"), NOT_OFFERED, "EHLO me\r\nQUIT\r\n"),
    Dialog("EHLO 5xx, finger", HELLO + b"502 what\r\n", no(E, 502, "what"), NOT_OFFERED,
         "EHLO me\r\n", options=CLI),
    Dialog("EHLO 4xx", HELLO + b"450 later\r\n" + BYE, no(E, 450, "later"), UNKNOWN, "EHLO me\r\nQUIT\r\n"),
    Dialog("EHLO 3xx", HELLO + b"334 ?\r\n" + BYE, no(E, 334, "?"), UNKNOWN, "EHLO me\r\nQUIT\r\n"),
    Dialog("EHLO garbage", HELLO + b"25 short\r\n", Failure(E, FailureKind.GARBAGE, None, "short"), UNKNOWN,
         "EHLO me\r\n"),
    Dialog("EHLO closed", HELLO, lost(E), UNKNOWN, "EHLO me\r\n"),
    Dialog("EHLO endless", HELLO + b"250-a\r\n" * 1100,
         Failure(E, FailureKind.TOO_LONG, None, "a reply of more than 1024 lines"), UNKNOWN, "EHLO me\r\n"),
    # posttls-finger takes a keyword in the first line, and none behind 2,048 characters
    Dialog("STARTTLS greets, finger", HELLO + b"250 STARTTLS\r\n" + READY, None, OFFERED, TLS_SENT, secured=PLAIN + BYE,
         options=CLI),
    Dialog("STARTTLS greets", HELLO + b"250 STARTTLS\r\n" + BYE, None, NOT_OFFERED, "EHLO me\r\nQUIT\r\n"),
    Dialog("STARTTLS too far, finger", HELLO + LONG_EHLO + BYE, None, NOT_OFFERED, "EHLO me\r\nQUIT\r\n", options=CLI),
    Dialog("STARTTLS far", HELLO + LONG_EHLO + READY, None, OFFERED, TLS_SENT, secured=PLAIN + BYE),
    # STARTTLS
    Dialog("STARTTLS 454, finger", HELLO + EHLO + b"454 no\r\n", no(S, 454, "no"), REFUSED, SAID, options=CLI),
    Dialog("STARTTLS 421: closing down, no refusal of TLS", HELLO + EHLO + b"421 closing\r\n" + BYE,
         no(S, 421, "closing"), OFFERED, SAID + "QUIT\r\n"),
    Dialog("STARTTLS 554, a 220 in its text", HELLO + EHLO + b"554 not 220\r\n" + BYE, no(S, 554, "not 220"),
         REFUSED, SAID + "QUIT\r\n"),
    Dialog("STARTTLS garbage", HELLO + EHLO + b"ok\r\n", Failure(S, FailureKind.GARBAGE, None, "ok"),
         OFFERED, SAID),
    Dialog("STARTTLS closed", HELLO + EHLO, lost(S), OFFERED, SAID),
    Dialog("STARTTLS 250", HELLO + EHLO + b"250 ok\r\n", None, OFFERED, TLS_SENT, secured=PLAIN + BYE,
         defects=("starttls-reply-not-220",)),
    # CVE-2011-0411 seen from the client: what was injected must not be read as the reply to EHLO under TLS.
    Dialog("injection", HELLO + EHLO + READY + b"250-mx\r\n250 EVIL\r\n", None, OFFERED, TLS_SENT,
         secured=PLAIN + BYE, defects=("plaintext-after-starttls",)),
    Dialog("injection, half a line", HELLO + EHLO + READY + b"2", None, OFFERED, TLS_SENT,
         secured=PLAIN + BYE, defects=("plaintext-after-starttls",)),
    # under TLS
    Dialog("EHLO under TLS 5xx", HELLO + EHLO + READY, no(T, 503, "what"), OFFERED, TLS_SENT,
         secured=b"503 what\r\n" + BYE),
    Dialog("the same, finger", HELLO + EHLO + READY, no(T, 503, "what"), OFFERED, TLS_SENT,
         secured=b"503 what\r\n" + BYE, options=CLI),
    Dialog("EHLO under TLS garbage", HELLO + EHLO + READY, Failure(T, FailureKind.GARBAGE, None, "oops"),
         OFFERED, TLS_SENT, secured=b"oops\r\n" + BYE),
    Dialog("EHLO under TLS closed", HELLO + EHLO + READY, lost(T), OFFERED, SAID + "EHLO me\r\n"),
    Dialog("QUIT closed", HELLO + EHLO + READY, None, OFFERED, TLS_SENT, secured=PLAIN,
         defects=("quit-unanswered",)),
    Dialog("QUIT 500", HELLO + EHLO + READY, None, OFFERED, TLS_SENT, secured=PLAIN + b"500 what\r\n"),
    Dialog("QUIT endless line", HELLO + EHLO + READY, None, OFFERED, TLS_SENT, secured=PLAIN + b"x" * 9000,
         defects=("quit-unanswered",)),
    # TLS from the first octet
    Dialog("wrapped", b"", None, IMPLICIT, "EHLO me\r\nQUIT\r\n", secured=HELLO + EHLO + BYE, options=WRAPPED),
    Dialog("wrapped 554", b"", no(G, 554, "away"), IMPLICIT, "QUIT\r\n", secured=b"554 away\r\n" + BYE,
         options=WRAPPED),
    Dialog("wrapped EHLO 5xx", b"", no(T, 502, "what"), IMPLICIT, "EHLO me\r\nQUIT\r\n",
         secured=HELLO + b"502 what\r\n" + BYE, options=WRAPPED),
    Dialog("wrapped, no EHLO", b"", None, IMPLICIT, "QUIT\r\n", secured=HELLO + BYE,
         options=WRAPPED | {"ehlo_after_tls": False}),
]  # fmt: skip


@dataclass
class Exchange:
    """What a driver without a network would have seen."""

    dialogue: Dialogue
    phases: list[Phase] = field(default_factory=list)
    sent: bytes = b""

    def note(self) -> None:
        self.sent += self.dialogue.bytes_to_send()
        if not self.phases or self.phases[-1] is not self.dialogue.phase:
            self.phases.append(self.dialogue.phase)


def converse(case: Dialog, clear: list[bytes], secured: list[bytes]) -> Exchange:
    dialogue = Dialogue("me", **case.options)
    run = Exchange(dialogue)
    run.note()
    for chunk in clear:
        if chunk and not dialogue.over:
            dialogue.receive(chunk)
            run.note()
    if dialogue.phase is Phase.HANDSHAKE:
        dialogue.tls_established()
        run.note()
    for chunk in secured:
        if chunk and not dialogue.over:
            dialogue.receive(chunk)
            run.note()
    if not dialogue.over:
        dialogue.end_of_stream()
        run.note()
    return run


def test_an_unfinished_reply_is_in_the_transcript() -> None:
    dialogue = Dialogue("me")
    dialogue.receive(b"220-half\r\n220 wi")
    dialogue.end_of_stream()
    assert dialogue.transcript == ["< 220-half"]


def test_posttls_finger_says_quit_after_a_time_out_under_tls() -> None:
    late = Failure(T, FailureKind.TIMEOUT)
    dialogue = Dialogue("me", rules=POSTFIX_RULES)
    dialogue.receive(HELLO + EHLO + READY)
    dialogue.tls_established()
    dialogue.bytes_to_send()
    dialogue.broken(late)
    assert (dialogue.phase, dialogue.bytes_to_send()) == (Phase.QUIT, b"QUIT\r\n")
    dialogue.receive(BYE)
    assert (dialogue.over, dialogue.failure, dialogue.transcript[-1]) == (True, late, "< 221 bye")


def octets(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("split", [lambda data: [data], octets], ids=["whole", "octets"])
def test_conversation(case: Dialog, split: object) -> None:
    run = converse(case, split(case.clear), split(case.secured))  # type: ignore[operator]
    assert run.dialogue.failure == case.failure
    assert run.dialogue.starttls is case.starttls
    assert run.sent.decode() == case.sent
    assert run.dialogue.defects == case.defects
    assert run.dialogue.phase is Phase.DONE


def facts(run: Exchange) -> tuple[object, ...]:
    d = run.dialogue
    known = (d.banner, d.ehlo, d.starttls_reply, d.ehlo_tls, d.keywords, d.starttls, d.failure, d.defects)
    return (*known, d.transcript, d.phase, run.sent)


@given(st.sampled_from(CASES), st.data())
def test_any_split_gives_the_same(case: Dialog, data: st.DataObject) -> None:
    def split(octets: bytes) -> list[bytes]:
        cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=6)))
        return [octets[a:b] for a, b in pairwise([0, *cuts, len(octets)])]

    whole = converse(case, [case.clear], [case.secured])
    assert facts(converse(case, split(case.clear), split(case.secured))) == facts(whole)


@given(st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([HELLO, EHLO, READY, b"4", b"-"])), max_size=12))
def test_no_garbage_breaks_it_or_makes_it_say_no(chunks: list[bytes]) -> None:
    case = Dialog("garbage", b"", None, UNKNOWN, "")
    run = converse(case, chunks, chunks)
    dialogue = run.dialogue
    assert dialogue.over
    if dialogue.starttls in {NOT_OFFERED, REFUSED}:
        replied = dialogue.starttls_reply or dialogue.ehlo
        assert replied is not None
        assert replied.code > 0
    if dialogue.failure is not None and dialogue.failure.kind is FailureKind.GARBAGE:
        assert dialogue.failure.phase is not Phase.QUIT


def test_phases_in_order() -> None:
    run = converse(CASES[0], octets(CASES[0].clear), octets(CASES[0].secured))
    assert run.phases == [G, E, S, Phase.HANDSHAKE, T, Phase.QUIT, Phase.DONE]
    assert run.dialogue.banner == Reply(220, ("mx ESMTP",))
    assert run.dialogue.keywords == ("SIZE", "STARTTLS")
    assert run.dialogue.ehlo_tls == Reply(250, ("mx", "SIZE 1000"))
    assert run.dialogue.transcript == [
        "< 220 mx ESMTP", "> EHLO me", "< 250-mx", "< 250-SIZE 1000", "< 250 STARTTLS", "> STARTTLS",
        "< 220 go ahead", "> EHLO me", "< 250-mx", "< 250 SIZE 1000", "> QUIT", "< 221 bye",
    ]  # fmt: skip


def test_defects_of_both_sides_of_the_handshake_are_kept() -> None:
    case = Dialog("", b"220 a\n" + EHLO + READY, None, OFFERED, "", secured=b"250 \xff\r\n" + BYE)
    assert converse(case, [case.clear], [case.secured]).dialogue.defects == ("bare-lf", "non-ascii")


def test_a_timeout_is_a_failure_of_the_phase_unless_it_is_quit() -> None:
    dialogue = Dialogue("me")
    dialogue.receive(HELLO)
    late = Failure(dialogue.phase, FailureKind.TIMEOUT, None, "Connection timed out")
    dialogue.broken(late)
    assert dialogue.failure == late
    dialogue = Dialogue("me")
    dialogue.receive(HELLO + PLAIN)
    dialogue.broken(Failure(dialogue.phase, FailureKind.TIMEOUT))
    assert dialogue.failure is None
    assert dialogue.defects == ("quit-unanswered",)


def test_a_bug_of_ours_counts_even_at_quit() -> None:
    dialogue = Dialogue("me")
    dialogue.receive(HELLO + PLAIN)
    bug = Failure(Phase.QUIT, FailureKind.INTERNAL)
    dialogue.broken(bug)
    assert dialogue.failure == bug


def test_misuse_raises() -> None:
    dialogue = Dialogue("me")
    with pytest.raises(RuntimeError, match="phase greeting"):
        dialogue.tls_established()
    dialogue.end_of_stream()
    with pytest.raises(RuntimeError, match="over"):
        dialogue.receive(b"x")
    with pytest.raises(RuntimeError, match="over"):
        dialogue.end_of_stream()


@pytest.mark.parametrize("name", ["", "a b", "a\r\nQUIT", "é"])
def test_a_name_that_breaks_the_command_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="EHLO"):
        Dialogue(name)


def test_implicit_tls_that_cannot_be_had_is_left_at_once() -> None:
    dialogue = Dialogue("me", implicit_tls=True, want_tls=False)
    assert dialogue.bytes_to_send() == b"QUIT\r\n"
    dialogue.receive(b"220 mx\r\n")
    assert dialogue.over
    assert dialogue.failure is None
    assert dialogue.transcript == ["> QUIT", "< 220 mx"]


def test_transcript_and_failure_text_are_bounded() -> None:
    dialogue = Dialogue("me")
    dialogue.receive(b"220-a\r\n" * 100 + b"220 a\r\n" + b"250-a\r\n" * 120 + b"250 a\r\n")
    assert len(dialogue.transcript) == TRANSCRIPT_LINES
    dialogue = Dialogue("me")
    long = b"5xx-".replace(b"xx", b"54") + b"y" * 1800 + b"\r\n"
    for start in (b"220", b"250", b"554"):
        dialogue.receive(long.replace(b"554", start) * 15 + start + b" STARTTLS\r\n")
    assert sum(map(len, dialogue.transcript)) <= TRANSCRIPT_CHARACTERS
    assert dialogue.failure is not None
    assert len(dialogue.failure.text) == TEXT_LIMIT


def test_every_phase_and_class_has_its_entry() -> None:
    waiting = set(Phase) - {Phase.DNS, Phase.CONNECT, Phase.HANDSHAKE, Phase.DONE, Phase.HTTP}
    assert set(TABLE) == {(phase, cls) for phase in waiting for cls in ReplyClass}


PICTURE = {
    "greeting": "hello | rejected leave | rejected leave | rejected leave | garbage end",
    "ehlo": "secure | rejected leave | rejected not_offered leave | rejected leave | garbage end",
    "starttls": "handshake" + " | rejected refused leave" * 3 + " | garbage end",
    "ehlo-tls": "quit | rejected quit | rejected quit | rejected quit | garbage quit",
    "quit": "end | end | end | end | end",
}


def test_the_table_looks_as_agreed() -> None:
    picture: dict[str, str] = {}
    for phase in dict.fromkeys(phase for phase, _ in TABLE):
        moves = [TABLE[phase, cls] for cls in ReplyClass]
        cells = [" ".join(w for w in (m.failure, m.starttls, m.then) if w) for m in moves]
        picture[phase] = " | ".join(cells)
    assert picture == PICTURE


def test_reply_classes() -> None:
    codes = {
        0: "none",
        220: "2xx",
        299: "2xx",
        354: "other",
        199: "other",
        421: "4xx",
        554: "5xx",
        999: "other",
    }
    assert {code: reply_class(code) for code in codes} == codes


def test_keywords() -> None:
    reply = Reply(250, ("mx STARTTLS", "SIZE 10", "AUTH=LOGIN", "auth\tPLAIN", "", "8BITMIME"))
    assert keywords_of(reply) == ("SIZE", "AUTH", "AUTH", "8BITMIME")
