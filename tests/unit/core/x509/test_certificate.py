"""Certificates to facts; expected values come from what was put in, or from the openssl program."""

import hashlib
import shutil
import subprocess
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from scanner.core.x509 import certificate as working
from scanner.core.x509 import der, dn, keys
from scanner.core.x509.facts import facts
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
    (b"\x82\x03a b", "dns:a b"),
    (b"\x87\x03\x01\x02\x03", "ip:\\x01\\x02\\x03"),
    (b"\xa4\x02\x30\x05", "dirname:0\\x05"),
    (b"\x8b\x01a", "tag 0x8b:a"),
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


# --- names ----------------------------------------------------------------------------------------------------


def test_one_line_names_agree_with_openssl() -> None:
    oids = [getattr(NameOID, n) for n in dir(NameOID) if n.isupper()]
    two_letters = (NameOID.COUNTRY_NAME, NameOID.JURISDICTION_COUNTRY_NAME)
    known = [o for o in oids if o.dotted_string in dn._TYPES and o not in two_letters]
    attributes = [x509.NameAttribute(oid, "Zo\u00eb \u90ae/+\\~\x7f", x509.name._ASN1Type.UTF8String) for oid in known]
    attributes += [
        x509.NameAttribute(x509.ObjectIdentifier("1.2.3.4"), "odd type"),
        x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
        x509.NameAttribute(NameOID.JURISDICTION_COUNTRY_NAME, "DE"),
    ]
    made = replace(LEAF_PLAN, subject=x509.Name(attributes)).make()
    shown = openssl("x509", "-noout", "-subject", "-nameopt", "compat", stdin=made.pem)
    assert facts(made.der).subject == shown.removeprefix("subject=").rstrip("\n")


def openssl(*arguments: str, stdin: bytes = b"") -> str:
    program = shutil.which("openssl")
    assert program
    done = subprocess.run([program, *arguments], input=stdin, capture_output=True, check=False)
    return (done.stdout + done.stderr).decode()


STRINGS = [
    (0x0C, "Zoë".encode(), "Zoë", "Zo\\xC3\\xAB"),
    (0x1E, "邮件".encode("utf-16-be"), "邮件", "\\x90\\xAEN\\xF6"),
    (0x1C, "é".encode("utf-32-be"), "é", "\\x00\\x00\\x00\\xE9"),
    (0x14, b"\xe9", "é", "\\xE9"),  # T61 read as Latin-1, as OpenSSL does
    (0x0C, b"\xff", "\ufffd", "\\xFF"),
    (0x13, b"a\0b", "a\0b", "a\\x00b"),
]


@pytest.mark.parametrize(("tag", "octets", "text", "shown"), STRINGS)
def test_string_types(tag: int, octets: bytes, text: str, shown: str) -> None:
    value = bytes([tag, len(octets)]) + octets
    pair = b"\x06\x03\x55\x04\x03" + value
    rdn = bytes([0x30, len(pair)]) + pair
    name = der.read(bytes([0x30, len(rdn) + 2, 0x31, len(rdn)]) + rdn)
    assert dn.values(name, "CN") == (text,)
    assert dn.one_line(name) == f"/CN={shown}"


def test_names_compare_without_case_and_spacing_and_across_string_types() -> None:
    def key(text: str, kind: x509.name._ASN1Type) -> dn.Canonical:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text, kind)])
        return dn.canonical(der.read(name.public_bytes()))

    types = x509.name._ASN1Type
    assert key("Lab  Root ", types.UTF8String) == key("lab root", types.PrintableString)
    assert key("Lab Root", types.UTF8String) != key("LabRoot", types.UTF8String)
    assert key("É", types.UTF8String) != key("é", types.UTF8String)


# --- keys -----------------------------------------------------------------------------------------------------

KEYS = [
    ("rsa1024", "RSA", 1024, "", 80),
    ("rsa2048", "RSA", 2048, "", 112),
    ("p384", "EC", 384, "secp384r1", 192),
    ("ed25519", "ED25519", 253, "", 128),
]


@pytest.mark.parametrize(("label", "kind", "bits", "curve", "strength"), KEYS)
def test_kinds_of_keys(label: str, kind: str, bits: int, curve: str, strength: int) -> None:
    made = replace(LEAF_PLAN, private=pki.key("k", label)).make()
    assert (made.facts.key_type, made.facts.key_bits, made.facts.curve) == (kind, bits, curve)
    assert working.parse(made.der).key.strength == strength
    assert working.spki(made.der) == working.parse(made.der).spki == made.spki


EC_STRENGTHS = [(521, 256), (384, 192), (256, 128), (224, 112), (192, 80), (160, 80), (128, 64)]


@pytest.mark.parametrize(("bits", "strength"), EC_STRENGTHS)
def test_ec_strengths_are_those_of_openssl(bits: int, strength: int) -> None:
    assert keys.Key("EC", bits).strength == strength


RSA_STRENGTHS = [(512, 56), (768, 72), (960, 80), (1024, 80), (2048, 112), (3072, 128), (4096, 152)]


@pytest.mark.parametrize(("bits", "strength"), RSA_STRENGTHS)
def test_rsa_strengths_are_those_of_openssl(bits: int, strength: int) -> None:
    assert keys.Key("RSA", bits).strength == strength


SIGNATURES = [
    ("rsa2048", hashes.SHA256(), "sha256WithRSAEncryption", 128),
    ("p256", hashes.SHA384(), "ecdsa-with-SHA384", 192),
    ("ed25519", hashes.SHA256(), "ED25519", 128),
]


@pytest.mark.parametrize(("label", "digest", "name", "strength"), SIGNATURES)
def test_signatures(label: str, digest: hashes.HashAlgorithm, name: str, strength: int) -> None:
    made = replace(LEAF_PLAN, private=pki.key("s", label), issuer=None, digest=digest).make()
    got = working.parse(made.der)
    assert (got.algorithm.name, got.algorithm.strength) == (name, strength)
    assert got.signed_by(got.spki) is True
    assert got.signed_by(pki.key("t", label).public_key().public_bytes(*SPKI)) is False
    other = working.parse(
        replace(LEAF_PLAN, private=pki.key("u", "ed25519" if label != "ed25519" else "p256")).make().der
    )
    assert got.signed_by(other.spki) is None
    assert got.signed_by(b"0") is None


@pytest.mark.parametrize(("digest", "strength"), [("sha1", 63), ("md5", 39)])
def test_obsolete_hashes_can_still_be_checked(digest: str, strength: int) -> None:
    made = replace(LEAF_PLAN, signer=pki.key("s", "rsa2048")).make()
    got = working.parse(pki.resign(made, pki.key("s", "rsa2048"), digest).der)
    assert (got.algorithm.name, got.algorithm.strength) == (f"{digest}WithRSAEncryption", strength)
    assert got.signed_by(pki.key("s", "rsa2048").public_key().public_bytes(*SPKI)) is True


SPKI = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def test_rsa_pss_signature() -> None:
    private = pki.key("s", "rsa2048")
    pss = padding.PSS(padding.MGF1(hashes.SHA384()), 48)
    builder = (
        x509.CertificateBuilder()
        .subject_name(pki.name("pss"))
        .issuer_name(pki.name("pss"))
        .public_key(private.public_key())
        .serial_number(7)
        .not_valid_before(pki.LONG_AGO)
        .not_valid_after(pki.FAR_AHEAD)
    )
    made = builder.sign(private, hashes.SHA384(), rsa_padding=pss)
    got = working.parse(made.public_bytes(serialization.Encoding.DER))
    assert (got.algorithm.name, got.algorithm.strength) == ("rsassaPss", 192)
    assert got.signed_by(got.spki) is True


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


# --- DER ------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=300))
def test_arbitrary_octets_raise_nothing_but_der_error(octets: bytes) -> None:
    for reader in (working.parse, working.spki, keys.key, keys.algorithm):
        with suppress(der.DERError):
            reader(octets)
    assert facts(octets).der == octets


RSA_LEAF = replace(LEAF_PLAN, private=pki.key("x", "rsa2048")).make()


@pytest.mark.parametrize("made", [LEAF, RSA_LEAF])
@given(st.integers(0, 500), st.binary(min_size=1, max_size=6))
def test_a_damaged_key_or_algorithm_raises_nothing_but_der_error(made: pki.Made, at: int, patch: bytes) -> None:
    for whole, reader in ((made.spki, keys.key), (working.parse(made.der).raw_algorithm, keys.algorithm)):
        at_ = at % len(whole)
        with suppress(der.DERError):
            reader(whole[:at_] + patch + whole[at_ + len(patch) :])


@given(st.integers(0, len(LEAF.der) - 1), st.integers(0, 255))
def test_a_changed_octet_never_breaks_the_reader(position: int, octet: int) -> None:
    changed = bytearray(LEAF.der)
    changed[position] = octet
    got = facts(bytes(changed))
    assert got.sha256 == hashlib.sha256(changed).hexdigest()


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


@pytest.mark.parametrize(
    "octets", [b"", b"\x30", b"\x1f\x01\x00", b"\x30\x80", b"\x30\x85\0\0\0\0\0", b"\x30\x82\x01", b"\x30\x03\0"]
)
def test_what_is_no_element(octets: bytes) -> None:
    with pytest.raises(der.DERError):
        der.read(octets)
