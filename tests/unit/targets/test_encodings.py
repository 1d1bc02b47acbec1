"""Text encodings of lists."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.encodings import as_utf8, encoding_of

TEXT = st.text(st.characters(exclude_characters="\r\ufeff", exclude_categories=["Cs"]))


@given(
    text=TEXT, encoding=st.sampled_from(["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]), cut=st.integers(4, 40)
)
def test_a_byte_order_mark_names_the_encoding(text: str, encoding: str, cut: int) -> None:
    data = ("\ufeff\n" + text).encode(encoding)
    assert as_utf8(data[:cut], io.BytesIO(data[cut:])).read() == ("\n" + text).encode()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark(encoding: str) -> None:
    data = "a.example\r\nb.example\r\n".encode(encoding)
    assert as_utf8(data, io.BytesIO()).read() == b"a.example\r\nb.example\r\n"


def test_a_damaged_text_has_a_replacement_character() -> None:
    data = b"\xff\xfea\0\x00\xd8b\0"  # a lone surrogate
    assert as_utf8(data, io.BytesIO()).read().decode() == "a\ufffdb"


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"a\rb\rc", b"a\nb\nc"),
        (b"a\rb\n", b"a\rb\n"),
        (b"a\r", b"a\r"),
        (b'a,"x\ny"\rb,z\rc,w\r', b'a,"x\ny"\nb,z\nc,w\n'),  # Excel for Macintosh
        (b"a\r\r\nb\r\r\n", b"a\r\r\nb\r\r\n"),
        (b"", b""),
        ("\ufeffa\rb\r".encode("utf-16-le"), b"a\nb\n"),
    ],
)
def test_carriage_returns_alone_end_lines(data: bytes, found: bytes) -> None:
    assert as_utf8(data, io.BytesIO()).read() == found


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_utf8_is_left_alone(text: str) -> None:
    assert encoding_of(text.encode()) is None or text.startswith("\ufeff")
