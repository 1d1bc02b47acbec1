"""DNS messages: referrals (RFC 2308 section 2.2), and the numbers of the format (RFC 1035 section 4, RFC 4035)."""

from typing import Any

import dns.flags
import dns.rdataclass
import dns.rdatatype
import pytest

from scanner.core import wire_message
from scanner.core.wire_message import IN, OPCODE, TYPES, Message, Question, Record, WireError

ALIAS = Record("mail.example", "CNAME", 300, "mx1.example")


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"delegation": True}, True),
        ({}, False),  # NODATA without an SOA (type 3)
        ({"negative_ttl": 300}, False),  # NODATA (type 2)
        ({"delegation": True, "negative_ttl": 300}, False),  # NODATA (type 1): NS records and an SOA
        ({"delegation": True, "negative_ttl": 0}, False),  # an SOA with a TTL of zero
        ({"delegation": True, "answers": (ALIAS,)}, False),  # an answer with its name servers
        ({"delegation": True, "rcode": "NXDOMAIN"}, False),
        ({"delegation": True, "rcode": "SERVFAIL"}, False),
    ],
)
def test_name_servers_alone_are_a_referral(parts: dict[str, Any], expected: bool) -> None:  # noqa: FBT001 - a column
    whole: dict[str, Any] = {"id": 1, "qr": True, "rcode": "NOERROR", "question": Question("a.example", "MX")}
    flags = dict.fromkeys(("tc", "aa", "ra", "ad"), False)
    assert Message(**{**whole, **flags, **parts}).referral is expected


@pytest.mark.parametrize(("text", "number"), TYPES.items())
def test_type_numbers_are_those_of_dnspython(text: str, number: int) -> None:
    assert dns.rdatatype.from_text(text) == number
    assert getattr(wire_message, text, number) == number


@pytest.mark.parametrize("name", ["QR", "AA", "TC", "RD", "RA", "AD", "CD"])
def test_flags_are_those_of_dnspython(name: str) -> None:
    assert getattr(wire_message, name) == dns.flags.Flag[name]


def test_flags_opcode_and_rcode_fill_the_second_word_of_the_header() -> None:
    flags = [dns.flags.Flag[name] for name in ("QR", "AA", "TC", "RD", "RA", "AD", "CD")]
    reserved, rcode = 0x0040, 0x000F
    assert sum(flags) + OPCODE + reserved + rcode == 0xFFFF


def test_a_question_is_of_class_in_by_default() -> None:
    assert Question("a.example", "MX").rclass == IN == dns.rdataclass.IN


def test_an_error_of_the_format_is_a_value_error() -> None:
    assert issubclass(WireError, ValueError)
