"""Certificates made for a question: OpenSSL has to read them and take them for what they stand for."""

from dataclasses import replace

import pytest

from scanner.core.x509 import certificate, issuing, openssl, synthetic
from scanner.core.x509.der import encode
from scanner.core.x509.openssl import VerifyFlags
from tests.differential import chains, signers
from tests.differential.chains import AKI
from tests.differential.test_cases import CASES, chain_of
from tests.unit.pki import INTER, LEAF

PARTIAL = VerifyFlags.PARTIAL_CHAIN


def test_the_stand_in_has_the_key_and_the_name_of_the_issuer() -> None:
    leaf = certificate.parse(LEAF.der)
    made = certificate.parse(synthetic.issuer(leaf, INTER.spki))
    assert (made.spki, made.subject_key) == (INTER.spki, leaf.issuer_key)
    assert openssl.ask(LEAF.der, (), (made.der,), PARTIAL).accepted


def test_the_stand_in_fits_a_description_by_issuer_and_serial_number() -> None:
    root = chains.ca_draft("Root", signers.pair("p256"), None)
    leaf = chains.leaf_draft(signers.pair("p256", 9), root)
    description = encode(0xA1, encode(0xA4, chains.cn("Above"))) + b"\x82\x02\x12\x34"
    leaf.put(AKI, encode(0x30, description))
    subject = certificate.parse(leaf.make())
    made = certificate.parse(synthetic.issuer(subject, root.key.spki))
    assert issuing.described(made, subject)
    assert openssl.ask(subject.der, (), (made.der,), PARTIAL).accepted


@pytest.mark.parametrize("kind", ["p256", "rsa2048", "ed25519"])
@pytest.mark.parametrize(
    "description", [b"", b"\x82\x01\x01", encode(0xA1, encode(0xA4, chains.cn("Root"))) + b"\x82\x01\x01"]
)
def test_the_stand_in_may_have_the_serial_number_of_the_subject(kind: str, description: bytes) -> None:
    """OpenSSL 4 takes certificates with the same issuer name and serial number for one."""
    root = chains.ca_draft("Root", signers.pair(kind), None)
    leaf = replace(chains.leaf_draft(signers.pair("p256", 9), root), serial=b"\x01")
    leaf.put(AKI, encode(0x30, description))
    subject = certificate.parse(leaf.make())
    assert issuing.signed_by_key(subject, root.key.spki)
    assert issuing.signed_by_key(subject, signers.pair(kind, 1).spki) is False


def test_every_saved_certificate_has_a_stand_in_for_its_issuer() -> None:
    for case in CASES:
        for cert in chain_of(case):
            assert openssl.encoded(synthetic.issuer(certificate.parse(cert.der), INTER.spki))


def test_the_same_question_is_the_same_certificates() -> None:
    first, second = (synthetic.constrained(chains.cn("x"), b"", b"\x30\x00", leaf=leaf) for leaf in (True, True))
    assert first == second
    assert all(
        map(openssl.encoded, synthetic.constrained(chains.cn("x"), chains.dns("a.test"), b"\x30\x00", leaf=False))
    )
