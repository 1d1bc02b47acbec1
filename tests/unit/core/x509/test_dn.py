"""Distinguished names: their text as the openssl program shows it, and their comparison."""

import shutil
import subprocess
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from scanner.core.x509 import dn
from scanner.core.x509.facts import facts
from tests.unit.pki import LEAF_PLAN


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


def test_attributes_of_one_rdn_are_joined_by_a_plus_sign() -> None:
    rdn = x509.RelativeDistinguishedName(
        [x509.NameAttribute(NameOID.COMMON_NAME, "a"), x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "b")]
    )
    country = x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COUNTRY_NAME, "DE")])
    made = replace(LEAF_PLAN, subject=x509.Name([country, rdn])).make()
    shown = openssl("x509", "-noout", "-subject", "-nameopt", "compat", stdin=made.pem)
    assert facts(made.der).subject == shown.removeprefix("subject=").rstrip("\n") == "/C=DE/CN=a+OU=b"


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
    name = bytes([0x30, len(rdn) + 2, 0x31, len(rdn)]) + rdn
    assert dn.values(name, "CN") == (text,)
    assert dn.one_line(name) == f"/CN={shown}"


def test_names_compare_without_case_and_spacing_and_across_string_types() -> None:
    def key(text: str, kind: x509.name._ASN1Type) -> dn.Canonical:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text, kind)])
        return dn.canonical(name.public_bytes())

    types = x509.name._ASN1Type
    assert key("Lab  Root ", types.UTF8String) == key("lab root", types.PrintableString)
    assert key("Lab Root", types.UTF8String) != key("LabRoot", types.UTF8String)
    assert key("É", types.UTF8String) != key("é", types.UTF8String)
