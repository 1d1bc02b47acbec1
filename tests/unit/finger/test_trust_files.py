"""``-A``: which files posttls-finger 3.7.11 takes, seen by running it."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from scanner.core import dane
from scanner.finger.options import Fatal, parse
from scanner.finger.trust_files import anchors
from scanner.vocabulary import Unusable
from tests.unit import pki
from tests.unit.core.test_dane import OLD_LEAF, STRANGER
from tests.unit.core.test_pkix import public_pem
from tests.unit.mailserver import certificate
from tests.unit.pki import CHAIN, INTER, LEAF, NOW, ROOT, Made

CERTIFICATE = certificate("p256").public_bytes(Encoding.PEM)
SOMETHING_ELSE = b"-----BEGIN PRIVATE KEY-----\nMDA=\n-----END PRIVATE KEY-----\n"


def count(path: Path, data: bytes, level: str = "secure") -> int:
    path.write_bytes(data)
    return len(anchors(parse(["-l", level, "-A", str(path), "x.test"]))[0])


def test_certificates_are_anchors_and_other_things_in_pem_are_passed_over(tmp_path: Path) -> None:
    assert count(tmp_path / "a", CERTIFICATE) == 2
    assert count(tmp_path / "a", SOMETHING_ELSE + CERTIFICATE) == 2
    assert count(tmp_path / "a", SOMETHING_ELSE) == 0


def test_only_verify_and_secure_read_the_file(tmp_path: Path) -> None:
    assert count(tmp_path / "a", b"no PEM", level="dane") == 0


BROKEN = [
    (b"", ()),
    (b"no PEM", ()),
    (b"-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----\n", ()),
    (CERTIFICATE[:61] + b"\n-----END CERTIFICATE-----\n", ("error:04800064:PEM routines::bad base64 decode",)),
    (CERTIFICATE[:60] + b"\n", ("error:04800066:PEM routines::bad end line",)),
    (CERTIFICATE + CERTIFICATE[:60] + b"\n", ("error:04800066:PEM routines::bad end line",)),
]


@pytest.mark.parametrize(("data", "errors"), BROKEN, ids=["empty", "no-pem", "no-data", "base64", "cut", "second"])
def test_what_is_broken_is_fatal(tmp_path: Path, data: bytes, errors: tuple[str, ...]) -> None:
    with pytest.raises(Fatal, match="Failed to load trust anchor file") as caught:
        count(tmp_path / "a", data)
    assert caught.value.lines == tuple(f"warning: TLS library problem: {error}:::" for error in errors)


def test_what_openssl_cannot_decode_is_an_unusable_record(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(CERTIFICATE + b"-----BEGIN PUBLIC KEY-----\nMAMCAQE=\n-----END PUBLIC KEY-----\n")
    records, lines = anchors(parse(["-l", "secure", "-A", str(path), "x.test"]))
    assert [(r.usage, r.selector, r.unusable) for r in records] == [
        (3, 1, Unusable.BAD_KEY), (2, 1, Unusable.BAD_KEY), (3, 0, None), (2, 0, None),
    ]  # fmt: skip
    assert lines[1] == f"TA pkey as TLSA record: {path}: 2 1 0 3003020101"


ANCHORS = [  # the trust anchor, the chain that the server sends, the depth of the match (-1: no match)
    (ROOT.pem, CHAIN, 2),
    (INTER.pem, CHAIN, 1),
    (INTER.pem, (LEAF,), 1),
    (LEAF.pem, CHAIN, 0),
    (public_pem(ROOT), (LEAF, INTER), 1),
    (OLD_LEAF.pem, (OLD_LEAF,), 0),  # a leaf that is its own trust anchor may have expired
    (STRANGER.pem, CHAIN, -1),
]


@pytest.mark.parametrize(("pem", "chain", "depth"), ANCHORS)
def test_a_trust_anchor_matches_an_issuer_or_the_leaf(
    tmp_path: Path, pem: bytes, chain: tuple[Made, ...], depth: int
) -> None:
    path = tmp_path / "a"
    path.write_bytes(pem)
    records, _ = anchors(parse(["-l", "secure", "-A", str(path), "x.test"]))
    got = dane.match(records, pki.chain(*chain), NOW)
    assert (got.depth, got.matched) == (depth, depth >= 0)
