"""Issuers, signatures and paths, by OpenSSL; the openssl program makes the keys that only OpenSSL knows."""

import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace

import pytest

from scanner.core.x509 import certificate, issuing, openssl
from scanner.core.x509.certificate import Certificate
from scanner.core.x509.der import BIT_STRING, OCTET_STRING, SEQUENCE, encode
from scanner.core.x509.openssl import VerifyAnswer, VerifyFlags
from tests.differential import chains, signers
from tests.differential.chains import ADDRESSES, AKI, BC, NC, SAN, Draft, basic, dns
from tests.unit import pki
from tests.unit.pki import INTER, LEAF, LEAF_PLAN, ROOT, ROOT_PLAN


def parsed(made: pki.Made | Draft) -> Certificate:
    return certificate.parse(made.der if isinstance(made, pki.Made) else made.make())


def test_names_decide_first() -> None:
    leaf, inter, root = map(parsed, (LEAF, INTER, ROOT))
    for first, second, expected in (
        (inter, leaf, True),
        (root, inter, True),
        (root, leaf, False),
        (leaf, inter, False),
    ):
        assert issuing.may_have_issued(first, second) is expected
        assert issuing.issued(first, second, leaf=True) is expected
    assert [issuing.self_signed(each) for each in (leaf, inter, root)] == [False, False, True]


@pytest.mark.parametrize("length", [-1, 2**63, 2**64, 2**200])
@pytest.mark.parametrize("place", ["root", "inter", "leaf"])
def test_a_certificate_with_an_impossible_path_length_is_in_no_path(place: str, length: int) -> None:
    """OpenSSL 3.0 and 4.0 never use a negative length, and take 2**63 or more for no limit; here neither is used."""
    root = chains.ca_draft("Root", signers.pair("p256"), None)
    inter = chains.ca_draft("CA", signers.pair("p256", 1), root)
    leaf = chains.leaf_draft(signers.pair("p256", 9), inter)
    drafts = {"root": root, "inter": inter, "leaf": leaf}
    drafts[place].put(BC, basic(ca=place != "leaf", length=length), critical=True)
    top, middle, bottom = map(parsed, (root, inter, leaf))
    assert issuing.self_signed(top) is (place != "root")
    assert issuing.may_have_issued(top, middle) is (place == "leaf")
    assert issuing.issued(middle, bottom, leaf=True) is (place == "root")
    if place == "leaf":
        assert not issuing.signed_by_key(bottom, inter.key.spki)


_WARNED = """
import sys, warnings
from cryptography import x509
from scanner.core.x509 import certificate, issuing
subject, spki = map(bytes.fromhex, sys.argv[1:])
with warnings.catch_warnings(record=True) as seen:
    answer = issuing.signed_by_key(certificate.parse(subject), spki)
    x509.load_der_x509_certificate(subject)
print(answer, *[warning.filename for warning in seen])
"""


@pytest.mark.parametrize("serial", [b"\0", b"\xfb"])
def test_the_serial_number_of_a_peer_causes_no_warning(serial: bytes) -> None:
    """``cryptography`` warns about serial numbers below 1: other code gets these warnings, but not this module.

    A process of its own is needed, because pytest resets the filters of imported modules.
    """
    root, other = (chains.ca_draft("Root", signers.pair("p256", number), None) for number in (0, 1))
    root.serial = serial
    argv = [sys.executable, "-c", _WARNED, root.make().hex(), parsed(other).spki.hex()]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == "False <string>\n"


KINDS = [*dict.fromkeys(signers.COMMON), *signers.RARE]


@pytest.mark.parametrize("kind", KINDS)
def test_signatures_of_every_kind_of_key(kind: str) -> None:
    key = signers.pair(kind, 3)
    root = chains.ca_draft("Root", key, None)
    leaf = chains.leaf_draft(signers.pair("p256", 9), root)
    signed, issuer = parsed(leaf), parsed(root)
    assert issuing.issued(issuer, signed, leaf=True)
    assert issuing.self_signed(issuer)
    assert issuing.signed_by(signed, issuer)
    assert issuing.signed_by_key(signed, key.spki)
    assert issuing.acceptance((signed, issuer)).accepted
    leaf.change_signature = lambda octets: octets[:-1] + bytes([octets[-1] ^ 1])
    forged = parsed(leaf)
    assert issuing.signed_by(forged, issuer) is False
    assert issuing.signed_by_key(forged, key.spki) is False
    assert issuing.acceptance((forged, issuer)) == (False, (7, 0))


@pytest.mark.parametrize(("inherit", "expected"), [(False, (True, None)), (True, (False, (46, 1)))])
def test_resources_under_a_bare_key_are_those_of_an_anchor(
    *, inherit: bool, expected: tuple[bool, tuple[int, int] | None]
) -> None:
    """Expected: openssl 3.0 with a ``2 1 0`` record; an anchor cannot inherit RFC 3779 resources."""
    root = chains.ca_draft("Root", signers.pair("p256"), None)
    leaf = chains.leaf_draft(signers.pair("p256", 9), root)
    addresses = b"\x05\x00" if inherit else encode(SEQUENCE, encode(BIT_STRING, b"\0\x0a"))
    family = encode(SEQUENCE, encode(OCTET_STRING, b"\0\x01"), addresses)
    leaf.put(ADDRESSES, encode(SEQUENCE, family), critical=True)
    assert issuing.acceptance((parsed(leaf),), root.key.spki) == expected


def test_a_verdict_on_upper_certificates_with_constraints_holds_for_no_other_leaf() -> None:
    root = chains.ca_draft("Root", signers.pair("p256"), None)
    limits = encode(SEQUENCE, encode(0xA0, encode(SEQUENCE, encode(0x82, b"good.test"))))
    root.put(NC, limits, critical=True)
    inter = chains.ca_draft("CA", signers.pair("p256", 1), root)
    top = (parsed(inter), parsed(root))
    for name, expected in (
        ("a.good.test", (True, None)),
        ("a.bad.test", (False, (47, 0))),
        ("b.good.test", (True, None)),
    ):
        leaf = chains.leaf_draft(signers.pair("p256", 9), inter)
        leaf.subject = chains.cn(name)
        leaf.put(SAN, dns(name))
        assert issuing.acceptance((parsed(leaf), *top)) == expected


NOBODY = encode(0xA1, encode(0xA4, chains.cn("Nobody")))
ABOVE = encode(0xA1, encode(0xA4, chains.cn("Root")))


@pytest.mark.parametrize(
    ("description", "fits"),
    [
        (ABOVE + b"\x82\x01\x10", True),
        (b"\x82\x01\x10", True),
        (b"", True),
        (ABOVE + b"\x82\x01\x11", False),
        (NOBODY + b"\x82\x01\x10", False),
        (encode(0x80, b"other"), False),
    ],
)
def test_an_issuer_fits_every_part_of_the_description(description: bytes, *, fits: bool) -> None:
    """RFC 5280 section 4.2.1.1; OpenSSL 3 uses no other issuer."""
    root = chains.ca_draft("Root", signers.pair("p256"), None)
    leaf = chains.leaf_draft(signers.pair("p256", 9), root)
    leaf.put(AKI, encode(SEQUENCE, description))
    assert issuing.described(parsed(root), parsed(leaf)) is fits
    assert issuing.issued(parsed(root), parsed(leaf), leaf=True) is fits


NOT_VERIFIED = {"sha512-256", "sha512-224"}  # OpenSSL has no such signatures
NOT_VERIFIED |= set(signers.ODD_PSS) - {"pss-default", "pss-trailer", "pss-no-null", "pss-512", "pss-0"}


@pytest.mark.parametrize("way", sorted(signers.pair("rsa2048").ways))
def test_every_way_of_an_rsa_signature(way: str) -> None:
    root = chains.ca_draft("Root", signers.pair("rsa2048"), None)
    leaf = replace(chains.leaf_draft(signers.pair("p256", 9), root), way=way)
    expected = way not in NOT_VERIFIED
    assert issuing.signed_by(parsed(leaf), parsed(root)) is expected


@pytest.mark.parametrize(
    ("way", "expected"), [("pss", True), ("pss-mgf", False), ("pss-384", False), ("pss-short", False)]
)
def test_the_limits_of_a_pss_key_count(*, way: str, expected: bool) -> None:  # RFC 4055 section 1.2
    root = replace(chains.ca_draft("Root", signers.pair("pss-limited", 1), None), way="pss")
    leaf = replace(chains.leaf_draft(signers.pair("p256", 9), root), way=way)
    assert issuing.signed_by(parsed(leaf), parsed(root)) is expected


def drafts() -> tuple[Draft, Draft]:
    root = chains.ca_draft("Root", signers.pair("p256"), None)
    return chains.leaf_draft(signers.pair("p256", 9), root), root


@pytest.mark.parametrize("which", [0, 1])
def test_a_repeated_extension_makes_neither_issuer_nor_subject(which: int) -> None:
    pair = drafts()
    pair[which].extensions *= 2
    leaf, root = map(parsed, pair)
    assert not issuing.may_have_issued(root, leaf)
    assert not issuing.issued(root, leaf, leaf=True)


def test_a_negative_path_length_makes_no_issuer_and_a_huge_one_does() -> None:
    leaf, root = drafts()
    root.put(BC, basic(ca=True, length=-1), critical=True)
    assert not issuing.may_have_issued(parsed(root), parsed(leaf))
    root.put(BC, basic(ca=True, length=2**200), critical=True)
    assert issuing.acceptance((parsed(leaf), parsed(root))).accepted


def test_the_issuer_has_to_fit_its_description() -> None:
    leaf, root = drafts()
    leaf.put(AKI, b"\x30\x03\x80\x01x")
    assert not issuing.may_have_issued(parsed(root), parsed(leaf))
    leaf, root = drafts()
    leaf.inner = signers.algorithm("1.2.840.113549.1.1.11")
    assert not issuing.may_have_issued(parsed(root), parsed(leaf)), "an EC key makes no RSA signature"


def test_a_root_of_an_unknown_algorithm_is_not_self_signed() -> None:
    root = chains.ca_draft("Root", signers.pair("p256"), None)
    root.inner = signers.algorithm("1.2.3.4")
    assert not issuing.self_signed(parsed(root))


def test_unused_bits_spoil_a_signature() -> None:
    leaf, root = drafts()
    leaf.unused = 3
    assert issuing.signed_by(parsed(leaf), parsed(root)) is False


def test_the_own_key_of_a_self_signed_certificate() -> None:
    root, twin = parsed(ROOT), parsed(replace(ROOT_PLAN, private=pki.key("twin")).make())
    assert issuing.signed_by_key(root, root.spki)
    assert issuing.signed_by_key(root, twin.spki) is False


@pytest.mark.parametrize("kind", ["p256", "rsa2048", "ed25519"])
def test_the_key_of_a_namesake_of_a_self_issued_certificate(kind: str) -> None:
    """Expected: X509_verify, to which OpenSSL's DANE code passes a ``2 1 0`` key (check_dane_pkeys in x509_vfy.c)."""
    above = chains.ca_draft("Root", signers.pair(kind, 3), None)
    leaf = chains.leaf_draft(signers.pair(kind, 9), above)
    leaf.subject, leaf.extensions = leaf.issuer, []
    other = "ed25519" if kind == "p256" else "p256"
    for draft, own, namesake in ((leaf, False, True), (replace(leaf, signer=leaf.key), True, False)):
        certificate_ = parsed(draft)
        assert issuing.self_signed(certificate_)
        assert issuing.signed_by_key(certificate_, leaf.key.spki) is own
        assert issuing.signed_by_key(certificate_, above.key.spki) is namesake
        assert issuing.signed_by_key(certificate_, signers.pair(other, 3).spki) is False
        assert issuing.signed_by_key(certificate_, signers.pair("pss-limited", 1).spki) is None
        assert issuing.signed_by_key(certificate_, b"0") is None


def _counted_calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets an item for each verification by OpenSSL."""
    asked: list[int] = []
    real = openssl.ask

    def counted(leaf: bytes, sent: Iterable[bytes], anchors: Iterable[bytes], checks: VerifyFlags) -> VerifyAnswer:
        asked.append(1)
        return real(leaf, sent, anchors, checks)

    monkeypatch.setattr(openssl, "ask", counted)
    return asked


def test_the_signature_of_a_leaf_is_verified_once(monkeypatch: pytest.MonkeyPatch) -> None:
    inter = parsed(INTER)
    leaf = parsed(replace(LEAF_PLAN, serial=74).make())
    forged = parsed(replace(LEAF_PLAN, serial=75, signer=pki.key("nobody")).make())
    asked = _counted_calls(monkeypatch)
    for number, (certificate_, signed) in enumerate(((leaf, True), (forged, False)), 1):
        assert issuing.issued(inter, certificate_, leaf=True)
        assert issuing.signed_by(certificate_, inter) is signed
        assert len(asked) == number


def test_a_path_is_asked_about_whole_once_and_then_its_leaf_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    top = (parsed(INTER), parsed(ROOT))
    path = (parsed(replace(LEAF_PLAN, serial=71).make()), *top)
    assert issuing.acceptance(path).accepted
    asked = _counted_calls(monkeypatch)
    assert issuing.acceptance(path).accepted
    assert asked == []
    assert issuing.acceptance((parsed(replace(LEAF_PLAN, serial=72).make()), *top)).accepted
    assert asked == [1]
    forged = parsed(replace(LEAF_PLAN, serial=73, signer=pki.key("nobody")).make())
    assert issuing.acceptance((forged, *top)).error == (7, 0)


def test_a_bare_key_takes_the_place_of_an_anchor() -> None:
    leaf, inter = parsed(LEAF), parsed(INTER)
    assert issuing.acceptance((leaf,), inter.spki).accepted
    assert issuing.acceptance((leaf, inter), ROOT.spki).accepted
    assert issuing.acceptance((leaf,), ROOT.spki).error == (7, 0)
