"""Replies: what a peer sends, and what is read out of it; RFC 5321 section 4.2 unless said otherwise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.core.replies import (
    LINE_LIMIT,
    REPLY_LINES,
    REPLY_OCTETS,
    Overflow,
    Received,
    ReplyReader,
)
from scanner.facts import Reply

DomainObservation = tuple[list[Received | Overflow], tuple[str, ...]]


def read(*chunks: bytes) -> DomainObservation:
    reader = ReplyReader()
    items: list[Received | Overflow] = []
    for chunk in chunks:
        reader.feed(chunk)
        while not (items and isinstance(items[-1], Overflow)) and (item := reader.next_reply()) is not None:
            items.append(item)
    return items, reader.defects


def octets(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


CASES: list[tuple[str, bytes, list[Reply], tuple[str, ...]]] = [
    ("one line", b"220 mx ESMTP\r\n", [Reply(220, ("mx ESMTP",))], ()),
    ("no text", b"250\r\n", [Reply(250, ("",))], ()),
    ("many lines", b"250-mx\r\n250-SIZE 1\r\n250 HELP\r\n", [Reply(250, ("mx", "SIZE 1", "HELP"))], ()),
    ("two replies", b"220 a\r\n250 b\r\n", [Reply(220, ("a",)), Reply(250, ("b",))], ()),
    ("nothing whole", b"220-a\r\n220 b", [], ()),
    # Postfix takes the last line's code, whatever went before.
    ("last code counts", b"250-a\r\n550 b\r\n", [Reply(550, ("a", "b"))], ("multiline-code-differs",)),
    ("bare LF", b"220 a\n", [Reply(220, ("a",))], ("bare-lf",)),
    ("CRs at the end are stripped", b"220 a\r\r\n", [Reply(220, ("a",))], ()),
    ("CR within", b"220 a\rb\r\n", [Reply(220, ("a?b",))], ("bare-cr",)),
    ("NUL", b"220 a\0b\r\n", [Reply(220, ("a",))], ("nul",)),
    ("NUL before the code", b"\x00220 a\r\n", [Reply(0, ("",))], ("nul",)),
    ("NUL before the hyphen", b"220\0-a\r\n", [Reply(220, ("",))], ("nul",)),
    ("8-bit text", b"220 \xc3\xa9\r\n", [Reply(220, ("??",))], ("non-ascii",)),
    ("escape sequence", b"220 \x1b[2J\r\n", [Reply(220, ("?[2J",))], ("control-character",)),
    ("TAB stays in the text", b"250-mx\r\n250 AUTH\tPLAIN\r\n", [Reply(250, ("mx", "AUTH\tPLAIN"))], ()),
    ("two digits", b"25 short\r\n", [Reply(0, ("short",))], ()),  # as Postfix prints it: "0 short"
    ("four digits", b"2500 long\r\n", [Reply(0, ("long",))], ()),
    ("HTTP", b"HTTP/1.1 400 Bad Request\r\n", [Reply(0, ("HTTP/1.1 400 Bad Request",))], ()),
    ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n", [Reply(0, ("SSH-2.0-OpenSSH_9.2",))], ()),
    ("no separator", b"220mx\r\n", [Reply(220, ("mx",))], ("bad-separator",)),
    ("empty line", b"\r\n", [Reply(0, ("",))], ()),
    (
        "each defect once",
        b"220 a\n220 b\n220 c\0\r\n",
        [Reply(220, ("a",)), Reply(220, ("b",)), Reply(220, ("c",))],
        ("bare-lf", "nul"),
    ),
]


@pytest.mark.parametrize(("data", "replies", "defects"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_replies(data: bytes, replies: list[Reply], defects: tuple[str, ...]) -> None:
    items, seen = read(data)
    assert [item.reply for item in items if isinstance(item, Received)] == replies
    assert seen == defects
    assert read(*octets(data)) == (items, seen)


def test_lines_are_kept_as_they_came_but_printable() -> None:
    ((received,), _) = read(b"250-mx\r\n250\tAUTH\x07 x\r\n")
    assert isinstance(received, Received)
    assert received.heard == ("< 250-mx", "< 250?AUTH? x")


def test_a_long_line_is_cut_and_its_rest_discarded() -> None:
    ((received,), defects) = read(b"220 " + b"a" * LINE_LIMIT + b"\r\n")
    assert isinstance(received, Received)
    assert len(received.heard[0]) == len("< ") + LINE_LIMIT
    assert defects == ("long-line",)


def test_a_line_at_the_limit_is_whole() -> None:
    ((received,), defects) = read(b"220 " + b"a" * (LINE_LIMIT - 4) + b"\r\n")
    assert isinstance(received, Received)
    assert len(received.reply.lines[0]) == LINE_LIMIT - 4
    assert defects == ()


LONG = b"250-" + b"x" * 1000 + b"\r\n"
ENDLESS = [
    ("line, whole", b"220 " + b"a" * 2 * LINE_LIMIT + b"\r\n", f"a line of more than {2 * LINE_LIMIT} octets"),
    ("line, no end", b"a" * (2 * LINE_LIMIT + 1), f"a line of more than {2 * LINE_LIMIT} octets"),
    ("lines", b"250-a\r\n" * (REPLY_LINES + 1), f"a reply of more than {REPLY_LINES} lines"),
    ("octets", LONG * (REPLY_OCTETS // len(LONG) + 1), f"a reply of more than {REPLY_OCTETS} octets"),
]


@pytest.mark.parametrize(("data", "text"), [c[1:] for c in ENDLESS], ids=[c[0] for c in ENDLESS])
def test_limits(data: bytes, text: str) -> None:
    assert read(data)[0] == [Overflow(text)]
    assert read(*octets(data))[0] == [Overflow(text)]


def test_a_reply_at_the_limit_is_whole() -> None:
    ((received,), _) = read(b"250-a\r\n" * (REPLY_LINES - 1) + b"250 b\r\n")
    assert isinstance(received, Received)
    assert len(received.heard) == REPLY_LINES


def test_limits_start_again_with_each_reply() -> None:
    items, _ = read((b"250-a\r\n" * (REPLY_LINES - 1) + b"250 b\r\n") * 3)
    assert [type(item) for item in items] == [Received] * 3


def test_discard_forgets_and_counts() -> None:
    reader = ReplyReader()
    reader.feed(b"220 a\r\n250-b\r\n25")
    assert reader.next_reply() == Received(Reply(220, ("a",)), ("< 220 a",))
    assert reader.next_reply() is None
    assert reader.discard() == len(b"250-b\r\n25")
    assert reader.discard() == 0
    reader.feed(b"220 c\r\n")
    assert reader.next_reply() == Received(Reply(220, ("c",)), ("< 220 c",))


SMTP_LIKE = st.lists(
    st.sampled_from([b"220", b"250", b"5", b"-", b" ", b"\r", b"\n", b"\r\n", b"a\0\xff\t\x1b", b"x" * 700]),
    max_size=60,
).map(b"".join)


@given(st.one_of(st.binary(max_size=300), SMTP_LIKE), st.data())
def test_any_split_gives_the_same_replies(data: bytes, draw: st.DataObject) -> None:
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=8)))
    parts = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    assert read(*parts) == read(data)


@given(st.one_of(st.binary(max_size=300), SMTP_LIKE))
def test_garbage_is_printable_and_bounded(data: bytes) -> None:
    for item in read(data)[0]:
        if isinstance(item, Received):
            assert all(line.isascii() and line.isprintable() for line in item.heard)
            assert all(len(line) <= len("< ") + LINE_LIMIT for line in item.heard)
            assert 0 <= item.reply.code <= 999
