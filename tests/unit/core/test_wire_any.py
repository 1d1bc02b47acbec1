"""dnspython as the decoder of unusual messages: spelling, limits, and hostile octets."""

import contextlib

import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.core import wire_any, wire_fast
from scanner.core.wire import Message, Question, Record, WireError, decode
from scanner.core.wire_names import UnusualError
from tests.unit.messages import OPT, header, record, reply

TLSA_CUT = b"\3\1\1" + b"x" * 31

UNUSUAL = {
    "SOA": (("mx.example.", "SOA", "ns. Root. 1 2 3 4 5"), Record("mx.example", "SOA", 60, "ns. Root. 1 2 3 4 5")),
    "PTR": (("mx.example.", "PTR", "Host.Example."), Record("mx.example", "PTR", 60, "host.example")),
    "SRV": (("mx.example.", "SRV", "1 2 25 Host.Example."), Record("mx.example", "SRV", 60, "1 2 25 host.example")),
    "no type of ours": (("mx.example.", "TYPE999", "\\# 2 abcd"), Record("mx.example", "TYPE999", 60, "\\# 2 abcd")),
    "odd octets": (("mx.example.", "CNAME", "a\\.B\\000.test."), Record("mx.example", "CNAME", 60, "a\\.b\\000.test")),
}


@pytest.mark.parametrize("case", UNUSUAL)
def test_any_other_reply_is_read_by_dnspython(case: str) -> None:
    (owner, rtype, text), expected = UNUSUAL[case]
    made = reply(Question("mx.example.", "MX"))
    made.answer.append(dns.rrset.from_text(owner, 60, "IN", rtype, text))
    with pytest.raises(UnusualError):
        wire_fast.decode(made.to_wire())
    assert decode(made.to_wire()).answers == (expected,)


def test_an_unusual_message_is_bounded() -> None:
    """It takes dnspython seconds to read a message of 64 KiB whose names have 126 labels each."""
    for count, fits in ((wire_any.MAX_RECORDS - 1, True), (wire_any.MAX_RECORDS, False)):
        wire = header(0, 1 + count) + record(b"\0", 999, b"") + record(b"\0", 1, b"abcd") * count
        if fits:
            assert len(decode(wire).answers) == 1 + count
        else:
            with pytest.raises(WireError, match="beyond the limits"):
                decode(wire)
    with pytest.raises(WireError, match="beyond the limits"):
        decode(header(0, 1) + record(b"\0", 999, bytes(wire_any.MAX_OCTETS)))


def test_a_digest_of_a_wrong_length_beside_what_dnspython_reads_is_malformed() -> None:
    with pytest.raises(WireError, match="malformed message"):
        decode(header(0, 2) + record(b"\0", 999, b"") + record(b"\0", 52, TLSA_CUT))


@given(st.binary(max_size=80))
def test_no_octets_make_dnspython_do_worse_than_a_wire_error(junk: bytes) -> None:
    unusual = header(0, 2, 1) + record(b"\0", 999, b"")
    for wire in (junk, unusual + junk, unusual[:12] + record(b"\0", 16, junk) * 2, unusual + OPT[:-2] + junk):
        with contextlib.suppress(WireError):
            assert isinstance(wire_any.decode(wire), Message)


@pytest.mark.parametrize(
    ("code", "text"), [(6, "EDE 6 (DNSSEC Bogus)"), (7, "EDE 7 (Signature Expired)"), (999, "EDE 999")]
)
def test_the_meaning_of_an_extended_error(code: int, text: str) -> None:  # RFC 8914 section 4
    assert wire_any.explain(code) == text


@pytest.mark.parametrize(
    ("text", "number", "name"), [("CAA", 257, "CAA"), ("TYPE15", 15, "MX"), ("TYPE999", 999, "TYPE999")]
)
def test_types_by_name_and_number(text: str, number: int, name: str) -> None:  # RFC 3597 section 5
    assert wire_any.rdata_type(text) == (number, name)
