"""DER and BER elements: ITU-T X.690, and what OpenSSL takes of it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.core.x509 import der


@given(st.integers(0, 1 << 2040))
def test_integers_and_lengths(value: int) -> None:
    content = value.to_bytes(value.bit_length() // 8 + 1)
    size = bytes([len(content)]) if len(content) < 128 else b"\x82" + len(content).to_bytes(2)
    assert der.integer(der.whole(b"\x02" + size + content, der.INTEGER)) == value


TIMES = [
    (b"\x17\x0d491231235959Z", datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)),  # RFC 5280 section 4.1.2.5.1
    (b"\x17\x0d500101000000Z", datetime(1950, 1, 1, tzinfo=UTC)),
    (b"\x18\x0f99991231235959Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    (b"\x17\x0d491331235959Z", None),
    (b"\x17\x0b4912312359Z", None),
    (b"\x18\x1320260901120000+0200", None),
]


@pytest.mark.parametrize(("octets", "expected"), TIMES)
def test_times(octets: bytes, expected: datetime | None) -> None:
    assert der.time(der.read(octets)) == expected


OIDS = [(b"\x06\x03\x55\x04\x03", "2.5.4.3"), (b"\x06\x06\x2a\x86\x48\x86\xf7\x0d", "1.2.840.113549")]


@pytest.mark.parametrize(("octets", "expected"), OIDS)
def test_object_identifiers(octets: bytes, expected: str) -> None:
    assert der.oid(der.read(octets)) == expected


@pytest.mark.parametrize("octets", [b"", b"\x30", b"\x1f\x01\x00", b"\x30\x80", b"\x30\x82\x01", b"\x30\x03\0"])
def test_what_is_no_element(octets: bytes) -> None:
    with pytest.raises(der.DERError):
        der.read(octets)


INDEFINITE = [  # octets, content: ITU-T X.690 section 8.1.3.6
    (b"\x30\x80\x00\x00", b""),
    (b"\x30\x80\x02\x01\x05\x00\x00rest", b"\x02\x01\x05"),
    (b"\x30\x80\x30\x80\x00\x00\x00\x00", b"\x30\x80\x00\x00"),
    (b"\x30\x83\x00\x00\x01\x05", b"\x05"),
]


@pytest.mark.parametrize(("octets", "content"), INDEFINITE)
def test_lengths_of_ber(octets: bytes, content: bytes) -> None:
    assert der.read(octets).content == content


@pytest.mark.parametrize("octets", [b"\x04\x80\x00\x00", b"\x30\x80\x30\x80\x00\x00", b"\x30\x80"])
def test_an_indefinite_length_needs_an_end_and_a_constructed_element(octets: bytes) -> None:
    with pytest.raises(der.DERError):
        der.read(octets)


def test_strings_in_parts_are_joined_to_a_depth() -> None:
    parts = der.encode(0x24, der.encode(0x04, b"ab"), der.encode(0x24, der.encode(0x04, b"c")))
    assert der.string(der.read(parts), der.OCTET_STRING) == b"abc"
    for _ in range(9):
        parts = der.encode(0x24, parts)
    with pytest.raises(der.DERError):
        der.string(der.read(parts), der.OCTET_STRING)


@pytest.mark.parametrize("octets", [b"\x02\x00", b"\x02\x02\x00\x01", b"\x02\x02\xff\x80", b"\x04\x01\x00"])
def test_what_is_no_integer(octets: bytes) -> None:  # X.690 section 8.3.2
    with pytest.raises(der.DERError):
        der.integer(der.read(octets))


BITS = [
    (b"\x03\x02\x07\xff", b"\x80"),
    (b"\x03\x02\x00\xff", b"\xff"),
    (b"\x03\x01\x00", b""),
    (b"\x03\x02\x03\x0f", b"\x08"),
]


@pytest.mark.parametrize(("octets", "value"), BITS)
def test_unused_bits_are_cleared(octets: bytes, value: bytes) -> None:
    assert der.bits(der.read(octets)) == value


@pytest.mark.parametrize("octets", [b"\x03\x00", b"\x03\x02\x08\x00", b"\x04\x01\x00"])
def test_what_is_no_bit_string(octets: bytes) -> None:
    with pytest.raises(der.DERError):
        der.bits(der.read(octets))


def test_a_huge_object_identifier_is_cheap_and_has_a_short_text() -> None:
    octets = der.encode(der.OID, b"\x2a" + b"\xff" * 94_000 + b"\x01")
    text = der.oid(der.read(octets))
    assert text.startswith("long-")
    assert len(text) < 80
    assert len(der.oid(der.read(der.encode(der.OID, b"\x2a" + b"\xff" * 60 + b"\x01")))) < 200


@given(st.integers(0, 255), st.binary(max_size=300))
def test_what_is_encoded_is_read(tag: int, content: bytes) -> None:
    if tag & 0x1F != 0x1F:
        assert der.read(der.encode(tag, content)) == (
            tag,
            der.encode(tag, content),
            len(der.encode(tag, content)) - len(content),
            0,
        )


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"\x82\x01a\x82\x02bc", [b"a", b"bc"]),
        (b"\x82\x00", [b""]),
        (b"", []),
        (b"\x82\x01a\x81\x01b", []),  # another tag
        (b"\x82\x7f" + bytes(127), [bytes(127)]),
        (b"\x82\x81\x80" + bytes(128), []),  # a long length
        (b"\x82\x80a\0\0", []),  # an indefinite length
        (b"\x82\x02a", []),  # truncated content
        (b"\x82\x01a\x82", []),  # truncated length
    ],
)
def test_short_elements_of_one_tag_are_decoded_at_once(content: bytes, found: list[bytes]) -> None:
    assert der.short_contents(der.read(der.encode(der.SEQUENCE, content)), 0x82) == found


def test_the_year_0_is_the_first_that_there_is() -> None:
    assert der.time(der.read(b"\x18\x0f00000101000000Z")) == datetime(1, 1, 1, tzinfo=UTC)
