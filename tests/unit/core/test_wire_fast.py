"""The fast decoder: the replies of a scan need no other, and its work is bounded."""

import struct

import dns.edns
import dns.name
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.core import wire_any, wire_fast
from scanner.core.wire import Question, WireError
from scanner.core.wire_names import UnusualError
from tests.unit.messages import header, record, reply

HOT = {
    "MX": "10 mx.example.",
    "A": "192.0.2.1",
    "AAAA": "2001:db8::1",
    "CNAME": "a.example.",
    "DNAME": "b.example.",
    "TLSA": f"3 1 1 {'ab' * 32}",
    "TXT": '"v=STSv1; id=1" "" "\\"\\\\ \\000\\127\\255~"',
    "RRSIG": "A 8 2 60 20260901000000 20260801000000 1 example. AAAA",
}
HOT_SHAPES = {
    **{f"{rtype} answer": ("NOERROR", [("mx.example.", rtype, text)], []) for rtype, text in HOT.items()},
    "every type": ("NOERROR", [("mx.example.", rtype, text) for rtype, text in HOT.items()], []),
    "no data": ("NOERROR", [], [("example.", "SOA", "ns. first\\.last. 1 2 3 4 5")]),
    "denied": ("NXDOMAIN", [], [("\\000.example.", "NSEC", "example. A"), ("example.", "SOA", "ns. root. 1 2 3 4 5")]),
    "failed": ("SERVFAIL", [], []),
    "referred": ("NOERROR", [], [("example.", "NS", "ns.example.")]),
}


@pytest.mark.parametrize("shape", HOT_SHAPES)
def test_replies_of_a_scan_are_read_without_dnspython(shape: str) -> None:
    rcode, answers, authority = HOT_SHAPES[shape]
    made = reply(Question("mx.example.", "MX"), ra=True)
    made.set_rcode(dns.rcode.from_text(rcode))
    made.use_edns(0, options=[dns.edns.EDEOption(dns.edns.EDECode.OTHER, "why")])
    for section, rows in ((made.answer, answers), (made.authority, authority)):
        section += [dns.rrset.from_text(owner, 60, "IN", rtype, text) for owner, rtype, text in rows]
    wire = made.to_wire()
    assert wire_fast.decode(wire) == wire_any.decode(wire)


@pytest.mark.parametrize("rdata", [b"", b"\2a", b"\1ab"])
def test_a_malformed_text_is_an_error(rdata: bytes) -> None:
    wire = header(0, 1) + record(b"\0", 16, rdata)
    with pytest.raises(WireError):
        wire_fast.decode(wire)
    with pytest.raises(WireError):
        wire_any.decode(wire)


def test_long_texts_are_left_to_the_bounded_decoder() -> None:
    with pytest.raises(UnusualError):
        wire_fast.decode(header(0, 40) + record(b"\0", 16, b"\xff" + b"x" * 255) * 40)


def pointing(area: bytes, pointers: list[int]) -> bytes:
    """A message whose first record has ``area`` for rdata, and further ones named by pointers into it."""
    first = record(b"\0", 52, area)
    begin = 12 + len(first) - len(area)
    others = (record(struct.pack("!H", 0xC000 | begin + to), 52, b"") for to in pointers)
    return header(0, 1 + len(pointers)) + first + b"".join(others)


def test_a_name_behind_many_pointers_is_read_once() -> None:
    """4,095 records behind one name of 126 labels: without a memory that would be half a million labels."""
    answers = wire_fast.decode(pointing(b"\1a" * 126 + b"\0", [0] * 4095)).answers
    assert {answer.owner for answer in answers[1:]} == {".".join("a" * 126)}


def test_many_names_behind_pointers_are_too_many() -> None:
    """Each pointer leads to another place: 63 labels on the average."""
    area = (b"\1a" * 125 + b"\0") * 60
    places = [251 * chunk + 2 * label for chunk in range(60) for label in range(125)]
    assert len(wire_fast.decode(pointing(area, places[:400])).answers) == 401
    with pytest.raises(WireError, match="too many labels"):
        wire_fast.decode(pointing(area, places[:4000]))


plain_labels = st.lists(st.from_regex(rb"[A-Za-z0-9_-]{1,3}", fullmatch=True), min_size=1, max_size=4)


@given(st.lists(plain_labels, min_size=1, max_size=6), st.data())
def test_a_name_is_the_same_by_way_of_any_pointers(names_: list[list[bytes]], data: st.DataObject) -> None:
    """Each name ends in a pointer to an earlier one, or in the root; dnspython follows them too."""
    area = b""
    starts: list[int] = []
    for labels in names_:
        tail = b"\0"
        pointed = data.draw(st.booleans())
        if starts and pointed:
            tail = struct.pack("!H", 0xC000 | 23 + data.draw(st.sampled_from(starts)))
        starts.append(len(area))
        area += b"".join(bytes((len(label),)) + label for label in labels) + tail
    wire = pointing(area, starts + starts)
    expected = [dns.name.from_wire(wire, 23 + start)[0].to_text(omit_final_dot=True).lower() for start in starts]
    assert [answer.owner for answer in wire_fast.decode(wire).answers[1:]] == expected * 2


@pytest.mark.parametrize(
    "wire",
    [
        header(1) + b"\1a\0" + struct.pack("!HH", 999, 1),
        header(0, 1) + record(b"\0", 33, b"\1a"),
        header(0, 1) + record(b"\1\0\0", 1, b"abcd"),
        header(0, 1) + record(b"\0", 5, b"\3a.b\0"),
        header(flags=0x8006),
    ],
    ids=["type of the question", "type of an answer", "octet of an owner", "dot inside a label", "rcode"],
)
def test_any_other_shape_is_left_to_dnspython(wire: bytes) -> None:
    with pytest.raises(UnusualError):
        wire_fast.decode(wire)
