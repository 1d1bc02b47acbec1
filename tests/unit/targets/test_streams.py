"""Streams of chunks: what is read does not depend on the chunks, and an error is not forgotten."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.streams import FREE, RATIO, DamagedError, ListError, buffered, check_ratio, chunks_of, open_file


@given(st.lists(st.binary(max_size=9)), st.integers(1, 20))
def test_chunks_are_one_stream(chunks: list[bytes], size: int) -> None:
    stream = buffered(iter(chunks))
    assert b"".join(iter(lambda: stream.read(size), b"")) == b"".join(chunks)


def test_an_error_is_raised_by_every_later_read() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"abc"
        raise DamagedError("damaged")

    stream = buffered(chunks())
    assert stream.read1(10) == b"abc"
    for _ in range(2):
        with pytest.raises(DamagedError):
            stream.read1(10)


def test_the_head_comes_first() -> None:
    assert b"".join(chunks_of(io.BytesIO(b"rest"), b"head ")) == b"head rest"


@pytest.mark.parametrize(
    ("given_", "taken", "damaged"),
    [(FREE, 1, False), (FREE + 1, 1, True), (FREE * 2, FREE * 2 // RATIO + 1, False), (FREE * 2, FREE // RATIO, True)],
)
def test_the_ratio_is_bounded_above_a_free_amount(given_: int, taken: int, *, damaged: bool) -> None:
    if damaged:
        with pytest.raises(DamagedError):
            check_ratio(given_, taken)
    else:
        check_ratio(given_, taken)


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path, tmp_path / "nul\0"):
        with pytest.raises(ListError, match="cannot be read"):
            open_file(str(path))
