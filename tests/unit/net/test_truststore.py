"""Trust anchors from files: what counts as a certificate, and the file that an error names."""

from pathlib import Path

import pytest

from scanner.net import truststore
from scanner.net.truststore import TrustStoreError
from tests.unit.pki import INTER, ROOT

BROKEN = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
KEY = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "certs"
    path.mkdir()
    return path


def test_a_bundle_and_a_directory_together(tmp_path: Path, folder: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(b"# roots\n" + ROOT.pem)
    (folder / "inter.pem").write_bytes(INTER.pem)
    (folder / "README").write_bytes(b"no certificate \xff")
    (folder / "key.pem").write_bytes(KEY)
    (folder / "below").mkdir()
    assert len(truststore.load(str(bundle), str(folder))) == 2
    assert len(truststore.load(str(bundle), None)) == 1
    assert len(truststore.load(None, str(folder))) == 1
    assert len(truststore.load(None, None)) == 0


@pytest.mark.parametrize("content", [b"", b"hello", KEY])
def test_a_file_without_certificates_is_named(tmp_path: Path, folder: Path, content: bytes) -> None:
    file = tmp_path / "bundle.pem"
    file.write_bytes(content)
    (folder / "root.pem").write_bytes(ROOT.pem)
    with pytest.raises(TrustStoreError, match=r"bundle\.pem: no PEM certificates"):
        truststore.load(str(file), str(folder))


def test_a_directory_without_certificates_is_named(tmp_path: Path, folder: Path) -> None:
    file = tmp_path / "bundle.pem"
    file.write_bytes(ROOT.pem)
    (folder / "key.pem").write_bytes(KEY)
    with pytest.raises(TrustStoreError, match="certs: no PEM certificates in any of its files"):
        truststore.load(str(file), str(folder))


def test_the_file_that_is_broken_is_named(tmp_path: Path, folder: Path) -> None:
    file = tmp_path / "bundle.pem"
    file.write_bytes(ROOT.pem)
    (folder / "bad.pem").write_bytes(INTER.pem + BROKEN)
    with pytest.raises(TrustStoreError, match=r"bad\.pem: a certificate in it cannot be read"):
        truststore.load(str(file), str(folder))


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    for file, path in ((str(tmp_path / "no"), None), (None, str(tmp_path / "no"))):
        with pytest.raises(TrustStoreError, match="no: cannot read trusted certificates: No such file"):
            truststore.load(file, path)


def test_the_systems_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "bundle.pem"
    file.write_bytes(ROOT.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    found = truststore.system()
    assert found is not None
    assert len(found) == 1
