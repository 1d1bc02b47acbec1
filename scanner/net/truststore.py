"""Where trust anchors come from: a PEM bundle, a directory of certificates, or the system's own store."""

import os
import ssl
from pathlib import Path

from scanner.core.pkix import TrustStore

_USUAL_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # BSD, macOS
)


class TrustStoreError(ValueError):
    """Trust anchors cannot be read; the text names the file and what was expected."""


def load(ca_file: str | None, ca_path: str | None) -> TrustStore:
    """The trust store of the given files.

    Args:
        ca_file: a PEM bundle, or None.
        ca_path: a directory with one or more certificates a file (its hash links are not needed), or None.

    Raises:
        TrustStoreError: a file cannot be read or holds no certificate.
    """
    pems = [_bundle(Path(ca_file))] if ca_file else []
    if ca_path:
        pems += _directory(Path(ca_path))
    return TrustStore.from_pem(*pems)


def system() -> TrustStore | None:
    """The system's trust store; None if there is none to be found."""
    found = [os.environ.get("SSL_CERT_FILE"), ssl.get_default_verify_paths().cafile, *_USUAL_BUNDLES]
    bundle = next((path for path in found if path and Path(path).is_file()), None)
    return load(bundle, None) if bundle else None


def _bundle(path: Path) -> bytes:
    pem = _read(path)
    if not _count(path, pem):
        raise TrustStoreError(f"{path}: no PEM certificates in it")
    return pem


def _directory(path: Path) -> list[bytes]:
    try:
        files = sorted(child for child in path.iterdir() if child.is_file())
    except OSError as error:
        raise TrustStoreError(f"{path}: cannot read trusted certificates: {error.strerror}") from None
    pems = [pem for file in files if _count(file, pem := _read(file))]
    if not pems:
        raise TrustStoreError(f"{path}: no PEM certificates in any of its files")
    return pems


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TrustStoreError(f"{path}: cannot read trusted certificates: {error.strerror}") from None


def _count(path: Path, pem: bytes) -> int:
    try:
        return len(TrustStore.from_pem(pem))
    except ValueError as error:
        raise TrustStoreError(f"{path}: a certificate in it cannot be read: {error}") from None
