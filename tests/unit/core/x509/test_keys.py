"""Keys and signature algorithms: sizes and strengths of OpenSSL (EVP_PKEY_get_security_bits), one row each."""

from contextlib import suppress
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import given
from hypothesis import strategies as st

from scanner.core.x509 import certificate as working
from scanner.core.x509 import der, issuing, keys
from tests.differential import signers
from tests.unit import pki
from tests.unit.pki import LEAF, LEAF_PLAN

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
    assert issuing.signed_by_key(got, got.spki)
    assert not issuing.signed_by_key(got, pki.key("t", label).public_key().public_bytes(*SPKI))
    other = working.parse(
        replace(LEAF_PLAN, private=pki.key("u", "ed25519" if label != "ed25519" else "p256")).make().der
    )
    assert not issuing.signed_by_key(got, other.spki)
    assert not issuing.signed_by_key(got, b"0")


@pytest.mark.parametrize(("digest", "strength"), [("sha1", 63), ("md5", 39)])
def test_obsolete_hashes_can_still_be_checked(digest: str, strength: int) -> None:
    made = replace(LEAF_PLAN, signer=pki.key("s", "rsa2048")).make()
    got = working.parse(pki.resign(made, pki.key("s", "rsa2048"), digest).der)
    assert (got.algorithm.name, got.algorithm.strength) == (f"{digest}WithRSAEncryption", strength)
    assert issuing.signed_by_key(got, pki.key("s", "rsa2048").public_key().public_bytes(*SPKI))


SPKI = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("way", signers.ODD_PSS)
def test_pss_parameters_that_openssl_cannot_decode_name_no_hash(way: str) -> None:
    """Expected: openssl 3.0 reports "CA signature digest algorithm too weak" exactly for these and for SHA-1."""
    hashes_of = {"pss-default": "sha1", "pss-512": "sha512"}
    decoded = ("pss-trailer", "pss-wrong-salt", "pss-no-mask", "pss-no-null", "pss-0")
    raw, _ = signers.pair("rsa2048").ways[way]
    assert keys.algorithm(raw).digest == (hashes_of.get(way) or ("sha256" if way in decoded else ""))


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
    assert issuing.signed_by_key(got, got.spki)


RSA_LEAF = replace(LEAF_PLAN, private=pki.key("x", "rsa2048")).make()


@pytest.mark.parametrize("made", [LEAF, RSA_LEAF])
@given(st.integers(0, 500), st.binary(min_size=1, max_size=6))
def test_a_damaged_key_or_algorithm_raises_nothing_but_der_error(made: pki.Made, at: int, patch: bytes) -> None:
    for whole, reader in ((made.spki, keys.key), (working.parse(made.der).raw_algorithm, keys.algorithm)):
        at_ = at % len(whole)
        with suppress(der.DERError):
            reader(whole[:at_] + patch + whole[at_ + len(patch) :])
