"""TLSA records in presentation format (RFC 6698 section 2.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.render.tlsa import record_texts, short, whole, zone_line
from scanner.facts import TLSARecord
from tests.unit import records

DIGEST = TLSARecord(3, 1, 1, "5a" * 32)


def test_short_and_whole_records() -> None:
    assert short(DIGEST) == "3 1 1 5a5a5a5a5a5a5a5a..."
    assert whole(DIGEST) == "3 1 1 " + "5a" * 32
    assert whole(TLSARecord(3, 1, 2, "5a" * 64)) == "3 1 2 " + "5a" * 64
    assert whole(TLSARecord(3, 0, 0, "30" * 900)) == "3 0 0 " + "30" * 64 + "..."


def test_a_zone_line_is_whole() -> None:
    record = TLSARecord(3, 0, 0, "30" * 900)
    assert zone_line("_25._tcp.mx.example", record) == "_25._tcp.mx.example. IN TLSA 3 0 0 " + "30" * 900


@pytest.mark.parametrize(
    ("rtype", "stored", "expected"),
    [
        ("TLSA", "0301015a", "3 1 1 5a"),
        ("TLSA", "03", "3 0 0 "),  # a truncated record: the missing fields are 0
        ("TLSA", "not hex", "not hex"),
        ("A", "192.0.2.1", "192.0.2.1"),
    ],
)
def test_records_of_an_answer(rtype: str, stored: str, expected: str) -> None:
    assert record_texts(records.answer("x.example", rtype, stored)) == (expected,)


@given(st.text())
def test_any_stored_text_is_accepted(stored: str) -> None:
    assert len(record_texts(records.answer("x.example", "TLSA", stored))) == 1
