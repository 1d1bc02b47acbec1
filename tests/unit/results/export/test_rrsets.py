"""RRsets in presentation format, read by dnspython."""

import dns.rdataclass
import dns.rdatatype
import dns.zone
import pytest

from results.export.rrsets import rrset, tlsa_rrset
from scanner.facts import TLSALookup
from tests.unit import records

TLSA = "030101" + "c3" * 32


@pytest.mark.parametrize(
    ("rtype", "stored", "expected"),
    [
        ("A", "192.0.2.1", "192.0.2.1"),
        ("AAAA", "2001:db8::1", "2001:db8::1"),
        ("MX", "10 mx1.example", "10 mx1.example."),
        ("MX", "0 .", "0 ."),  # RFC 7505, null MX
        ("CNAME", "mx1.example", "mx1.example."),
        ("TLSA", TLSA, "3 1 1 " + "c3" * 32),
        ("TLSA", "0301", "\\# 2 0301"),  # RFC 3597 section 5
        ("TLSA", "", "\\# 0"),
    ],
)
def test_dnspython_reads_the_line(rtype: str, stored: str, expected: str) -> None:
    (line,) = rrset(records.answer("a.example", rtype, stored, ttl=60))
    assert line == f"a.example. 60 IN {rtype} {expected}"
    if not expected.startswith("\\# "):
        zone = dns.zone.from_text(f"{line}\n", origin="example.", relativize=False, check_origin=False)
        ((_, _, rdata),) = zone.iterate_rdatas()
        assert rdata.to_text() == expected


def test_the_owner_is_the_name_after_aliases() -> None:
    answer = records.answer("a.example", "MX", "10 mx1.example", rname="b.example")
    assert rrset(answer) == ("b.example. 300 IN MX 10 mx1.example.",)


def test_no_answer_and_no_hex() -> None:
    assert rrset(None) == ()
    assert rrset(records.answer("a.example", "TLSA", "no hex")) == ("a.example. 300 IN TLSA no hex",)


def test_only_tlsa_answers_of_a_lookup() -> None:
    steps = (records.answer("x.example", "CNAME", "y.example"), records.answer("_25._tcp.x.example", "TLSA", TLSA))
    (line,) = tlsa_rrset(TLSALookup("x.example", (), None, None, steps))
    assert line.startswith("_25._tcp.x.example. 300 IN TLSA 3 1 1 c3")
