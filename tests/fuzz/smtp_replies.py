"""SMTP replies: whole dialogues, in which any split of the same octets gives the same facts."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime

from scanner.core.dialogue import POSTFIX_RULES, SCAN_RULES, TRANSCRIPT_LINES, Dialogue
from scanner.facts import Endpoint, Failure, Probe
from scanner.vocabulary import FailureKind, Mode, Phase
from tests.fuzz.fuzzer import Fuzzer, mutated, packed, stored, unpacked

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
_CODES = (
    "220",
    "250",
    "250",
    "221",
    "421",
    "451",
    "454",
    "502",
    "503",
    "554",
    "334",
    "999",
    "000",
    "25",
    "2500",
    "2 0",
    "",
    "+OK",
)
_TEXTS = (
    "", "mx.example.com ESMTP", "STARTTLS", "starttls ", "STARTTLS=x", "PIPELINING", "SIZE 1000", "AUTH=LOGIN",
    "Hello\0x",
    "\u00e4\u202e\x1b[31m", "4.7.1 blocked by spamhaus", "5.7.1 your IP", "x" * 600, "y" * 2100, "z" * 5000,
    "\t tab", "=",
)  # fmt: skip
_ENDS = ("\r\n",) * 8 + ("\n", "\r", "\r\r\n", "\n\r\n", "")
_ALPHABET = b"0125 -\r\n\t\0=SATRLaz\x7f\xff\x1b"


def make(chance: random.Random) -> bytes:
    """Return the options of a dialogue, the octets before and the octets after the handshake, and seeds of splits."""
    options = bytes([chance.randrange(64)])
    before, after = (b"".join(_reply(chance) for _ in range(chance.choice((0, 1, 2, 3, 3, 4)))) for _ in range(2))
    if chance.random() < 0.5:
        before = b"220 mx.example.com\r\n250-mx\r\n250 STARTTLS\r\n220 go\r\n" + before
    if chance.random() < 0.4:
        before, after = (mutated(octets, chance, _ALPHABET) for octets in (before, after))
    return packed((options, before, after, chance.randbytes(4)))


def _reply(chance: random.Random) -> bytes:
    code = chance.choice(_CODES)
    count = chance.choice((1, 1, 1, 2, 3, 8, 1030)) if chance.random() < 0.3 else 1
    lines = []
    for number in range(count):
        sign = "-" if number < count - 1 else chance.choice((" ", " ", " ", "-", "", "\t"))
        other = code if chance.random() < 0.95 else chance.choice(_CODES)
        lines.append(f"{other}{sign}{chance.choice(_TEXTS)}{chance.choice(_ENDS)}")
    return "".join(lines).encode("utf-8" if chance.random() < 0.5 else "utf-16")[:300_000]


def check(data: bytes) -> None:
    """Hold one dialogue with several splits of the same octets.

    Raises:
        AssertionError: a split changes the result, or the probe is not stored as it is.
    """
    options, before, after, seed = unpacked(data)
    results = [
        _held(options[0], split(before), split(after))
        for split in (lambda octets: [octets] if octets else [], _singly, lambda octets: list(_at_random(octets, seed)))
    ]
    assert results[0] == results[1] == results[2], "a split of the octets changes the result"


def _singly(octets: bytes) -> list[bytes]:
    """Split into single octets; of a long text only the begin, since that takes too long."""
    return [bytes([octet]) for octet in octets[:2000]] + ([octets[2000:]] if octets[2000:] else [])


def _at_random(octets: bytes, seed: bytes) -> Iterator[bytes]:
    chance, at = random.Random(seed), 0
    while at < len(octets):
        size = chance.choice((1, 2, 7, 100, 1500, 70_000))
        yield octets[at : at + size]
        at += size


def _held(options: int, before: list[bytes], after: list[bytes]) -> Probe:
    dialogue = Dialogue(
        "client.example",
        lmtp=bool(options & 1),
        implicit_tls=bool(options & 2),
        want_tls=not options & 4,
        ehlo_after_tls=not options & 8,
        rules=POSTFIX_RULES if options & 16 else SCAN_RULES,
    )
    _feed(dialogue, before)
    if dialogue.phase is Phase.HANDSHAKE:
        dialogue.tls_established()
        _feed(dialogue, after)
    for _ in range(2):  # after a time-out, Postfix sends QUIT and waits for its reply
        if not dialogue.over and options & 32:
            dialogue.broken(Failure(dialogue.phase, FailureKind.TIMEOUT))
    if not dialogue.over:
        dialogue.end_of_stream()
    dialogue.bytes_to_send()
    return _probe(dialogue)


def _feed(dialogue: Dialogue, chunks: list[bytes]) -> None:
    for chunk in chunks:
        if dialogue.over:
            return
        dialogue.receive(chunk)


def _probe(dialogue: Dialogue) -> Probe:
    lines = "".join(dialogue.transcript)
    assert lines.isprintable() or "\t" in lines, "an unprintable character in a transcript"
    assert len(dialogue.transcript) <= 8 * 1024 * TRANSCRIPT_LINES
    return stored(
        Probe(
            endpoint=Endpoint("192.0.2.1", 25, None, Mode.SMTP, "authenticated"),
            started=NOW,
            ms={},
            starttls=dialogue.starttls,
            banner=dialogue.banner,
            ehlo=dialogue.ehlo,
            keywords=dialogue.keywords,
            starttls_reply=dialogue.starttls_reply,
            ehlo_tls=dialogue.ehlo_tls,
            failure=dialogue.failure,
            defects=tuple(sorted(dialogue.defects)),
            transcript=tuple(dialogue.transcript),
        )
    )


FUZZER = Fuzzer("smtp-replies", make, check, inputs=200, calls=200_000)
