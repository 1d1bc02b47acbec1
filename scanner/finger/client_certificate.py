"""The client certificate (``-k``, ``-K``, ``-H``), and Postfix's warnings about the certificate files.

A chain file (``-H``) contains the key first, then the certificates. A single file for ``-k`` may contain key and
certificates in any order. After most errors in a key, certificate or chain file, Postfix continues without TLS; a chain
file that cannot be opened is ignored. If a file contains several keys, the first key is used.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from OpenSSL import SSL

from scanner.finger.options import Options
from scanner.net.tls import Identity

_LABELS = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----")


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """The client certificate (``identity``), lines to print, and whether an error in its files disables TLS.

    ``identity`` is None without a client certificate. ``tls`` is false if an error disables TLS.
    """

    identity: Identity | None = None
    lines: tuple[str, ...] = ()
    tls: bool = True


def load(options: Options) -> ClientCertificate:
    """Load the client certificate that the options ``-k``, ``-K`` and ``-H`` name."""
    if options.chains:
        return _chain_files(options.chains)
    if options.certificate is None or options.key is None:
        return ClientCertificate()
    if options.certificate == options.key:
        return _one_file(options.certificate)
    return _two_files(options.certificate, options.key)


def _two_files(certificate: str, key: str) -> ClientCertificate:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    try:
        context.use_certificate_chain_file(certificate)
    except SSL.Error:
        return _disabled(f'cannot get RSA certificate from file "{certificate}": disabling TLS support')
    try:
        context.use_privatekey_file(key)
    except SSL.Error as error:
        if _mismatch(error):
            return _mismatched(certificate, key)
        return _disabled(f'cannot get RSA private key from file "{key}": disabling TLS support')
    try:
        context.check_privatekey()
    except SSL.Error:
        return _mismatched(certificate, key)
    return ClientCertificate(Identity(certificate, key))


def _mismatched(certificate: str, key: str) -> ClientCertificate:
    return _disabled(f"RSA private key in {key} does not match public key in {certificate}: disabling TLS support")


def _mismatch(error: SSL.Error) -> bool:
    return any("mismatch" in reason for *_, reason in error.args[0]) if error.args else False


def _one_file(path: str) -> ClientCertificate:
    loaded = _read(path, key_first=False)
    return replace(loaded, tls=loaded.identity is not None)


def _chain_files(paths: Sequence[str]) -> ClientCertificate:
    identity: Identity | None = None
    lines: tuple[str, ...] = ()
    for path in paths:
        loaded = _read(path, key_first=True)
        lines += loaded.lines
        if not loaded.tls:
            return ClientCertificate(None, lines, tls=False)
        identity = identity or loaded.identity
    return ClientCertificate(identity, lines)


def _read(path: str, *, key_first: bool) -> ClientCertificate:
    """Read the key and the certificates of one file."""
    try:
        pem = Path(path).read_bytes()
    except OSError as error:
        return ClientCertificate(None, (f"warning: error opening chain file: {path}: {os.strerror(error.errno or 0)}",))
    complaint = _flaw([label.decode() for label in _LABELS.findall(pem)], path, key_first=key_first)
    complaint = complaint or _unfit(path)
    if complaint:
        return _disabled(complaint, f"error loading private keys and certificates from: {path}: disabling TLS support")
    return ClientCertificate(Identity(path, path))


def _flaw(labels: Sequence[str], path: str, *, key_first: bool) -> str:
    """Return a text about missing or misplaced PEM blocks of a file; an empty text without a fault."""
    keys = [label.endswith("PRIVATE KEY") for label in labels]
    certificates = [label.endswith("CERTIFICATE") for label in labels]
    if not any(keys) and not any(certificates):
        return f"No PEM data in {path}"
    if key_first and not keys[0]:
        return f"error loading chain from {path}: key not first"
    if not any(keys):
        return f"No private key found in {path}"
    if not any(certificates):
        return f"No certs for key at index {1 + keys.index(True)} in {path}"
    return ""


def _unfit(path: str) -> str:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    try:
        context.use_certificate_chain_file(path)
        context.use_privatekey_file(path)
        context.check_privatekey()
    except SSL.Error:
        return f"key at index 1 in {path} does not match next certificate"
    return ""


def _disabled(*texts: str) -> ClientCertificate:
    return ClientCertificate(None, tuple(f"warning: {text}" for text in texts), tls=False)
