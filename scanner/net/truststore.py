"""Loading of trust anchors: from a PEM bundle, a directory of certificates, or the system's trust store."""

import os
import ssl
from collections.abc import Iterable
from pathlib import Path

from OpenSSL import crypto

from scanner.core.pkix import TrustStore

_USUAL_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # BSD, macOS
)


class TrustStoreError(ValueError):
    """Error: trust anchors cannot be read; the text of the error names the file and the expected content."""


_TRUSTED = b"BEGIN TRUSTED CERTIFICATE"
"""The PEM label of a certificate with trust settings, which OpenSSL reads only from files."""


def load(ca_file: str | None, ca_path: str | None) -> TrustStore:
    """Return a trust store with the certificates of the given files.

    Args:
        ca_file: a PEM bundle, or None.
        ca_path: a directory of files with one or more certificates each (hash links are not needed), or None.

    Raises:
        TrustStoreError: a file cannot be read or contains no certificate.
    """
    found = {**(_bundle(Path(ca_file)) if ca_file else {}), **(_directory(Path(ca_path)) if ca_path else {})}
    with_settings = any(_TRUSTED in pem for pem in found.values())
    return TrustStore.from_pem(*found.values(), loaded=_by_openssl(found) if with_settings else None)


def _by_openssl(paths: Iterable[Path]) -> crypto.X509Store:
    store = crypto.X509Store()
    for path in paths:
        try:
            store.load_locations(str(path))
        except crypto.Error as error:
            raise TrustStoreError(f"{path}: OpenSSL cannot load the certificates: {error}") from None
    return store


def system() -> TrustStore | None:
    """Return the system's trust store, or None if no file exists at the usual paths of trust stores."""
    found = [os.environ.get("SSL_CERT_FILE"), ssl.get_default_verify_paths().cafile, *_USUAL_BUNDLES]
    bundle = next((path for path in found if path and Path(path).is_file()), None)
    return load(bundle, None) if bundle else None


def _bundle(path: Path) -> dict[Path, bytes]:
    pem = _read(path)
    if not _count(path, pem):
        raise TrustStoreError(f"{path}: no PEM certificates in it")
    return {path: pem}


def _directory(path: Path) -> dict[Path, bytes]:
    try:
        files = sorted(child for child in path.iterdir() if child.is_file())
    except OSError as error:
        raise TrustStoreError(f"{path}: cannot read trusted certificates: {error.strerror}") from None
    pems = {file: pem for file in files if _count(file, pem := _read(file))}
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
