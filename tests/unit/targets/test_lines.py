"""Lines: bounded, numbered, and the rest of a long one is none."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets import lines, streams
from targets.lines import LINE_LIMIT, Line, LineReader, Plain
from targets.streams import DamagedError, buffered


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def opened(found: Iterator[Line | Plain]) -> list[Line]:
    return [line for each in found for line in (each.lines() if isinstance(each, Plain) else [each])]


@pytest.mark.parametrize("tail", [b"evil.test", b"a,evil.test", b"x" * LINE_LIMIT + b"evil.test"])
@pytest.mark.parametrize("size", [1000, LINE_LIMIT, LINE_LIMIT + 1])
def test_the_tail_of_a_long_line_is_no_line(tail: bytes, size: int) -> None:
    data = b"a.example\n" + b"x" * LINE_LIMIT + tail + b"\nb.example\n"
    for read in (LineReader.lines, LineReader.blocks):
        found = opened(read(LineReader(buffered(pieces(data, size)))))
        flaw = f"line longer than {LINE_LIMIT} octets"
        assert [(line.number, line.flaw or line.text) for line in found] == [
            (1, "a.example"),
            (2, flaw),
            (3, "b.example"),
        ]


WORDS = st.sampled_from(
    [b"a.example", b"B.example", b"", b"x" * 63, b"x" * 99, b"\xff", b"a\0", b"a\r", b"192.0.2.1", b"-a"]
)


@given(data=st.lists(WORDS).map(b"\n".join), size=st.integers(1, 40), limit=st.integers(64, 90))
def test_blocks_and_lines_agree(data: bytes, size: int, limit: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "LINE_LIMIT", limit)
        patch.setattr(streams, "CHUNK", size)
        one, two, three = (LineReader(buffered(pieces(data, size))) for _ in range(3))
        expected = list(one.lines())
        assert opened(two.blocks()) == expected
        first = [line for line, _ in zip(three.lines(), range(3), strict=False)]
        assert len(expected) <= data.count(b"\n") + 1
    assert first == expected[:3]


def test_an_error_is_one_last_line() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"a.example\nb.exam"
        raise DamagedError("cut short")

    reader = LineReader(buffered(chunks()))
    *good, last = reader.lines()
    assert [line.text for line in good] == ["a.example"]
    assert (last.number, last.cut) == (2, True)
    assert last.flaw == "the file cannot be read beyond line 1, its rest is skipped (cut short)"
    assert list(reader.lines()) == []
