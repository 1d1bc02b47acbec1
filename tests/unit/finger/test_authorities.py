"""``-A``: which files posttls-finger 3.7.11 takes, seen by running it."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from scanner.finger.authorities import anchors
from scanner.finger.options import Fatal, parse
from tests.unit.mailserver import certificate

CERTIFICATE = certificate("p256").public_bytes(Encoding.PEM)
SOMETHING_ELSE = b"-----BEGIN PRIVATE KEY-----\nMDA=\n-----END PRIVATE KEY-----\n"


def count(path: Path, data: bytes, level: str = "secure") -> int:
    path.write_bytes(data)
    return len(anchors(parse(["-l", level, "-A", str(path), "x.test"])))


def test_certificates_are_anchors_and_other_things_in_pem_are_passed_over(tmp_path: Path) -> None:
    assert count(tmp_path / "a", CERTIFICATE) == 2
    assert count(tmp_path / "a", SOMETHING_ELSE + CERTIFICATE) == 2
    assert count(tmp_path / "a", SOMETHING_ELSE) == 0


def test_only_verify_and_secure_read_the_file(tmp_path: Path) -> None:
    assert count(tmp_path / "a", b"no PEM", level="dane") == 0


@pytest.mark.parametrize(
    "data", [b"", b"no PEM", CERTIFICATE[:60] + b"\n-----END CERTIFICATE-----\n"], ids=["empty", "no-pem", "cut"]
)
def test_what_is_broken_is_fatal(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Fatal, match="Failed to load trust anchor file"):
        count(tmp_path / "a", data)
