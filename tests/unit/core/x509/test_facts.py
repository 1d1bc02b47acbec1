"""Certificates to facts; expected values are those put in, or those of the openssl program."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from results.store import codec
from scanner.core import pkix
from scanner.core.x509 import der
from scanner.core.x509.der import OID, SEQUENCE, SET, encode
from scanner.core.x509.extensions import PURPOSES
from scanner.core.x509.facts import facts
from scanner.facts import CertFacts
from tests.differential import chains, signers
from tests.differential.chains import BC, EKU, SAN, Extension, basic, dns, uses
from tests.unit import pki
from tests.unit.pki import LEAF, LEAF_PLAN, ROOT


def test_an_ordinary_leaf() -> None:
    plan = replace(LEAF_PLAN, purposes=(pki.SERVER,), ca=False, not_after=datetime(2026, 9, 29, 23, 59, 59, tzinfo=UTC))
    made = plan.make()
    got = facts(made.der)
    assert got.sha256 == hashlib.sha256(made.der).hexdigest()
    assert got.sha512 == hashlib.sha512(made.der).hexdigest()
    assert got.spki_sha256 == hashlib.sha256(made.spki).hexdigest()
    assert got.spki_sha512 == hashlib.sha512(made.spki).hexdigest()
    assert got.subject == "/C=XX/O=Lab Mail/CN=mx1.secure.test"
    assert got.issuer == "/C=XX/O=Lab CA/CN=Lab Intermediate"
    assert (got.subject_cns, got.issuer_cn) == (("mx1.secure.test",), "Lab Intermediate")
    assert (got.dns_names, got.ip_names, got.odd_names) == (("mx1.secure.test",), (), ())
    assert got.not_before == pki.LONG_AGO
    assert got.not_after == datetime(2026, 9, 29, 23, 59, 59, tzinfo=UTC)
    assert (got.key_type, got.key_bits, got.curve) == ("EC", 256, "prime256v1")
    assert got.signature_algorithm == "ecdsa-with-SHA256"
    assert (got.is_ca, got.path_length, got.ext_key_usage) == (False, None, ("serverAuth",))
    assert not got.self_issued
    assert got.parse_error == ""


def test_a_root_and_one_without_cn() -> None:
    assert (ROOT.facts.is_ca, ROOT.facts.self_issued) == (True, True)
    nameless = replace(pki.ROOT_PLAN, subject=pki.name(None, "Org"), path_length=3).make().facts
    assert (nameless.subject_cns, nameless.issuer_cn, nameless.path_length) == ((), "Org", 3)
    assert replace(LEAF_PLAN, issuer=None, subject=x509.Name([])).make().facts.issuer_cn == ""


def test_every_kind_of_alternative_name_is_kept_and_none_is_fatal() -> None:
    sans = (
        *pki.dns("a.test", "*.a.test", "xn--bcher-kva.test"),
        x509.IPAddress(ip_address("192.0.2.1")),
        x509.IPAddress(ip_address("2001:db8::1")),
        x509.RFC822Name("me@a.test"),
        x509.UniformResourceIdentifier("https://a.test/"),
        x509.DirectoryName(pki.name("dir")),
        x509.OtherName(x509.ObjectIdentifier("1.2.3"), b"\x04\x01\xff"),
        x509.RegisteredID(x509.ObjectIdentifier("1.2.3.4")),
    )
    got = replace(LEAF_PLAN, sans=sans).make().facts
    assert got.dns_names == ("a.test", "*.a.test", "xn--bcher-kva.test")
    assert got.ip_names == ("192.0.2.1", "2001:db8::1")
    assert got.odd_names[:3] == ("email:me@a.test", "uri:https://a.test/", "dirname:/C=XX/O=Lab CA/CN=dir")
    assert got.odd_names[3].startswith("othername:")
    assert got.odd_names[4] == "rid:*\\x03\\x04"
    assert got.parse_error == ""


def san(*names: bytes) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    """A subjectAltName with raw elements; no content here is longer than a short length says."""
    body = b"".join(names)
    assert len(body) < 128
    return ((x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), bytes([0x30, len(body)]) + body), False),)


ODD_SANS = [
    (b"\x82\x0aa.te\0.evil", "dns:a.te\\x00.evil"),
    (b"\x82\x05\xfc.tes", "dns:\\xFC.tes"),
    (b"\x82\x00", "dns:"),
    (b"\x82\x03a\tb", "dns:a\\x09b"),
    (b"\x87\x03\x01\x02\x03", "ip:\\x01\\x02\\x03"),
]


@pytest.mark.parametrize(("raw", "shown"), ODD_SANS)
def test_odd_alternative_names(raw: bytes, shown: str) -> None:
    got = replace(LEAF_PLAN, sans=(), extra=san(raw, b"\x82\x06b.test")).make().facts
    assert got.odd_names == (shown,)
    assert got.dns_names == ("b.test",)


def test_a_broken_extension_spoils_itself_alone() -> None:
    oid = x509.ObjectIdentifier("2.5.29.17")
    extra = ((x509.UnrecognizedExtension(oid, b"\x30\x05\x82"), False),)
    got = replace(LEAF_PLAN, sans=(), ca=True, extra=extra).make().facts
    assert got.parse_error == "broken extension 2.5.29.17"
    assert (got.is_ca, got.key_type) == (True, "EC")


@pytest.mark.parametrize("octets", [b"", b"0", b"\x30\x00", b"\x30\x80\x00\x00", LEAF.der + b"\0", LEAF.der[:-1]])
def test_what_cannot_be_read_keeps_its_digests(octets: bytes) -> None:
    got = facts(octets)
    assert got.sha256 == hashlib.sha256(octets).hexdigest()
    assert got.spki_sha256 == ""
    assert got.parse_error


def test_the_key_is_found_where_only_the_signature_part_is_broken() -> None:
    parts = der.children(der.read(LEAF.der))
    body = parts[0].raw + parts[1].raw + b"\x04\x01\x00"
    got = facts(b"\x30\x82" + len(body).to_bytes(2) + body)
    assert got.parse_error
    assert got.spki_sha256 == LEAF.facts.spki_sha256


def test_compressed_point_is_digested_as_it_stands() -> None:
    """A library would decode the point and encode it uncompressed; the digest is over what was sent."""
    public = pki.key("leaf").public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    point = public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
    whole = LEAF.spki
    prefix = der.children(der.read(whole))[0].raw
    bits = b"\x03" + bytes([len(point) + 1]) + b"\0" + point
    compressed = b"\x30" + bytes([len(prefix + bits)]) + prefix + bits
    body = der.read(LEAF.der).content
    tbs, *rest = der.children(der.read(LEAF.der))
    changed = tbs.content.replace(whole, compressed)
    assert changed != tbs.content
    assert body
    new_tbs = b"\x30\x82" + len(changed).to_bytes(2) + changed
    inner = new_tbs + b"".join(part.raw for part in rest)
    got = facts(b"\x30\x82" + len(inner).to_bytes(2) + inner)
    assert got.spki_sha256 == hashlib.sha256(compressed).hexdigest()
    assert (got.key_type, got.curve) == ("EC", "prime256v1")


@given(st.integers(0, len(LEAF.der) - 1), st.integers(0, 255))
def test_a_changed_octet_never_breaks_the_reader(position: int, octet: int) -> None:
    changed = bytearray(LEAF.der)
    changed[position] = octet
    got = facts(bytes(changed))
    assert got.sha256 == hashlib.sha256(changed).hexdigest()


HUGE = b"\x7f" + b"\xff" * 90_000 + b"\x01"
HUGE_TYPE = encode(SEQUENCE, encode(SET, encode(SEQUENCE, encode(OID, HUGE), b"\x0c\x01x")))
HOSTILE = [  # what a certificate may hold that is too much to print, store or count
    ("path length", {"extensions": [Extension(BC, basic(ca=True, length=2**64))]}),
    ("object identifier of a name", {"subject": HUGE_TYPE}),
    ("object identifier of a use", {"extensions": [Extension(EKU, encode(SEQUENCE, encode(OID, HUGE)))]}),
    ("serial number", {"serial": HUGE}),
    ("names", {"extensions": [Extension(SAN, dns(*(f"h{number}.test" for number in range(32_000))))]}),
    ("uses", {"extensions": [Extension(EKU, uses(*(f"1.2.3.{number}" for number in range(9_000))))]}),
    ("extensions", {"extensions": [Extension(f"1.2.3.{number}", b"") for number in range(9_000)]}),
    ("unknown key", {"spki": encode(SEQUENCE, encode(SEQUENCE, encode(OID, HUGE)), b"\x03\x02\x00\x01")}),
]


@pytest.mark.parametrize("changes", [changes for _, changes in HOSTILE], ids=[what for what, _ in HOSTILE])
def test_a_hostile_certificate_is_read_and_can_be_stored(changes: dict[str, Any]) -> None:
    made = replace(chains.ca_draft("Root", signers.pair("p256"), None), **changes).make()
    got = facts(made)
    assert got.parse_error == "" or "path length" in got.parse_error
    assert codec.decode(CertFacts, codec.encode(got)) == got
    assert len(got.subject) < 200
    assert len(got.ext_key_usage) <= PURPOSES
    pkix.verify((got,), pkix.EMPTY, pki.NOW)


def test_a_key_that_is_not_der_has_the_digest_that_openssl_computes() -> None:
    draft = chains.ca_draft("Root", signers.pair("p256"), None)
    element = der.read(draft.key.spki)
    draft.spki = b"\x30\x83" + len(element.content).to_bytes(3) + element.content
    got = facts(draft.make())
    assert got.spki_sha256 == hashlib.sha256(draft.key.spki).hexdigest()
    assert got.parse_error.startswith("spki-not-der")
