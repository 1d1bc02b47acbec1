"""Extensions: one row for each shape that OpenSSL decodes, or refuses to (X509V3_EXT_d2i, x509v3_cache_extensions)."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.core.x509 import extensions
from scanner.core.x509.der import BIT_STRING, BOOLEAN, INTEGER, OCTET_STRING, SEQUENCE, TLV, encode, read
from scanner.core.x509.extensions import Extensions
from tests.differential.chains import (
    ADDRESSES,
    AKI,
    BC,
    CLIENT,
    CRLDP,
    EKU,
    KU,
    NC,
    SAN,
    SERVER,
    SKI,
    Extension,
    basic,
    dns,
    usage,
    uses,
)
from tests.differential.signers import oid


def decoded(*found: Extension) -> Extensions:
    return extensions.decode(elements(found))


def elements(found: Iterable[Extension]) -> list[TLV]:
    return [read(extension.der) for extension in found]


YES = encode(BOOLEAN, b"\xff")
GOOD = [  # extension, the field, its value
    (Extension(BC, basic(ca=True, length=3)), "path_length", 3),
    (Extension(BC, basic(ca=True)), "is_ca", True),
    (Extension(BC, encode(SEQUENCE, encode(BOOLEAN, b"\x01"))), "is_ca", True),
    (Extension(BC, basic(ca=False)), "is_ca", False),
    (Extension(BC, basic(ca=True, length=2**63 - 1)), "endless", True),
    (Extension(BC, basic(ca=True, length=2**63 - 1)), "path_length", None),
    (Extension(KU, usage(0x06, 1)), "key_usage", 0x06),
    (Extension(KU, usage(0x07, 1)), "key_usage", 0x06),
    (Extension(EKU, uses(SERVER, CLIENT)), "ext_key_usage", (SERVER, CLIENT)),
    (Extension(SKI, encode(OCTET_STRING, b"id")), "subject_key_id", b"id"),
    (Extension(SKI, encode(0x24, encode(OCTET_STRING, b"id"))), "subject_key_id", b"id"),
    (Extension(NC, b"\x30\x00"), "name_constraints", b"\x30\x00"),
    (Extension(SAN, dns("a.test")), "names", dns("a.test")),
    (Extension(ADDRESSES, b"\x30\x00"), "resources", Extension(ADDRESSES, b"\x30\x00").der),
    (Extension("1.2.3.4", b"", critical=True), "unknown_critical", True),
    (Extension(CRLDP, b"\x30\x00", critical=True), "unknown_critical", False),
    (Extension(AKI, b"\x30\x00", critical=True), "unknown_critical", True),
]


@pytest.mark.parametrize(("extension", "field", "value"), GOOD)
def test_what_is_decoded(extension: Extension, field: str, value: object) -> None:
    got = decoded(extension)
    assert getattr(got, field) == value
    assert got.broken == ()


BAD = [
    Extension(BC, basic(ca=True, length=-1)),
    Extension(BC, encode(SEQUENCE, YES, encode(INTEGER, b"\0\x01"))),
    Extension(BC, encode(SEQUENCE, YES, encode(INTEGER, b"\x01"), encode(INTEGER, b"\x01"))),
    Extension(BC, encode(SEQUENCE, encode(BOOLEAN, b""))),
    Extension(KU, usage(0, 0)),
    Extension(KU, encode(BIT_STRING, b"\0")),
    Extension(KU, usage(0x80, 8)),
    Extension(KU, b"\x04\x01\x80"),
    Extension(EKU, encode(SEQUENCE, b"\x02\x01\x00")),
    Extension(AKI, encode(SEQUENCE, encode(0x83, b"x"))),
    Extension(AKI, encode(SEQUENCE, encode(0xA1, encode(0xA4, b"\x30\x02\x0c\x00")))),
    Extension(AKI, encode(SEQUENCE, encode(0xA1, encode(0xA4, b"\x30\x02\x31\x81")))),
    Extension(SKI, b"\x30\x00"),
    Extension(SAN, encode(SEQUENCE, encode(0x82, b"a.test"), encode(0x89, b"x"))),
    Extension(SAN, encode(SEQUENCE, encode(0xA4, b"\x30\x05"))),
    Extension(SAN, encode(SEQUENCE, encode(0xA0, oid("1.2.3")))),
    Extension(SAN, encode(SEQUENCE, encode(0x88, b"\x80"))),
]


def test_a_path_length_that_openssl_cannot_store_is_broken() -> None:
    """OpenSSL stores it in a long and takes a greater number for absent."""
    got = decoded(Extension(BC, basic(ca=True, length=2**63)))
    assert (got.broken, got.overflowing, got.is_ca, got.path_length) == ((BC,), True, None, None)


@pytest.mark.parametrize("extension", BAD)
def test_what_is_broken_counts_as_absent(extension: Extension) -> None:
    got, nothing = decoded(extension), Extensions()
    assert got.broken == (extension.type,)
    nothing.broken = got.broken
    assert got == nothing


@pytest.mark.parametrize(
    "extension", [e for e, field, _ in GOOD if field in ("is_ca", "key_usage", "ext_key_usage", "names")]
)
def test_a_repeated_extension_counts_as_absent(extension: Extension) -> None:
    got = decoded(extension, extension)
    assert got.broken == (extension.type,)
    assert (got.is_ca, got.key_usage, got.ext_key_usage, got.names) == (None, None, None, b"")


def test_an_unknown_extension_may_be_repeated() -> None:
    assert decoded(*[Extension("1.2.3.4", b"")] * 2).broken == ()


def test_names_in_parts_and_odd_names_are_read() -> None:
    got = decoded(
        Extension(SAN, encode(SEQUENCE, encode(0xA2, encode(0x82, b"a.te"), encode(0x82, b"st")), encode(0x82, b"a b")))
    )
    assert got.alt_names.dns == ("a.test", "a b")


@given(st.lists(st.binary(max_size=3) | st.sampled_from([b"mx.a.test", b"a\nb", b"a" * 200]), max_size=4))
def test_dns_names_have_the_same_result_beside_an_address(names: list[bytes]) -> None:
    """With only dNSNames, all names are decoded at once; beside an iPAddress, one after the other."""
    several = [encode(0x82, name) for name in names]
    alone = decoded(Extension(SAN, encode(SEQUENCE, *several))).alt_names
    beside = decoded(Extension(SAN, encode(SEQUENCE, *several, encode(0x87, bytes(4))))).alt_names
    assert (alone.dns, alone.odd) == (beside.dns, beside.odd)
    assert beside.ips == ("0.0.0.0",)  # noqa: S104 - an address in a certificate


def test_numbers_of_names_and_of_broken_extensions_are_bounded() -> None:
    many = encode(SEQUENCE, *[encode(0x81, b"me@a.test")] * 3000)
    assert len(decoded(Extension(SAN, many)).alt_names.odd) == extensions.ODD_NAMES
    assert decoded(*[Extension(BC, b"\x04\x00")] * 3000).broken == (BC,)
    assert extensions.decode([read(b"\x04\x00")] * 3000).broken == ("?",)


def test_the_issuer_is_described() -> None:
    names = encode(0xA1, encode(0x82, b"x"), encode(0xA4, b"\x30\x00"))
    got = decoded(Extension(AKI, encode(SEQUENCE, encode(0x80, b"id"), names, encode(0x82, b"\x05")))).authority
    assert got.key_id == b"id"
    assert got.issuer == b"\x30\x00"
    assert got.serial is not None
    assert got.serial.content == b"\x05"
