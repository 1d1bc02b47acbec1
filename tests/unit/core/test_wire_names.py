"""Names between text and octets, by us and by dnspython."""

import struct

import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.core.wire import Question, WireError, decode, query
from scanner.core.wire_names import Names, UnusualError, encode_name, skip, spelled

labels = st.lists(st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True), min_size=1, max_size=6)


@given(labels)
def test_plain_names_are_written_and_read_as_dnspython_does(labels: list[str]) -> None:
    text = ".".join(labels)
    wire = encode_name(text)
    assert wire == dns.name.from_text(text).to_wire()
    assert Names(wire).read(0) == (text.lower(), len(wire))
    assert spelled(text) == text.lower()


@pytest.mark.parametrize(
    "name", ["", "..", "a..b", "a" * 64, ".".join(["a" * 61] * 4 + ["b" * 6]), "b\u00fccher", "a\\256", "a\\..", "\\.."]
)
def test_names_that_cannot_be_asked_for(name: str) -> None:
    if name in ("a\\..", "\\.."):  # an escaped dot, then the final one
        assert decode(query(name, "A", 1)).question == Question(name[:-1], "A")
        return
    with pytest.raises(WireError):
        query(name, "A", 1)


@pytest.mark.parametrize(
    ("wire", "end"),
    [(b"\0", 1), (b"\1a\0", 3), (b"\xc0\x0c", 2), (b"\1a\2bc\xc0\x0c", 7), (b"\1\xff\0", 3)],
)
def test_a_name_is_skipped_unread(wire: bytes, end: int) -> None:  # RFC 1035 section 4.1.4
    assert skip(wire + b"rest", 0) == end


def test_a_label_of_an_unknown_type_is_not_skipped() -> None:
    with pytest.raises(WireError, match="label type"):
        skip(struct.pack("!B", 0x41) + b"a\0", 0)


@pytest.mark.parametrize("wire", [b"\3a.b\0", b"\1\0\0", b"\1 \0", b"\1\\\0"])
def test_names_with_odd_octets_are_left_to_dnspython(wire: bytes) -> None:
    with pytest.raises(UnusualError):
        Names(wire).read(0)
