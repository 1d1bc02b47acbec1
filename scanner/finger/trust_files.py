"""Loading of trusted roots (``-F``, ``-P``) and trust anchors (``-A``), with Postfix's lines about the files."""

import base64
import re
from pathlib import Path

from OpenSSL import SSL

from scanner.core import tlsa
from scanner.core.pkix import EMPTY, TrustStore
from scanner.facts import TLSARecord
from scanner.finger.lines import library_problems
from scanner.finger.options import Fatal, Options
from scanner.net import tls_errors, truststore
from scanner.vocabulary import Level

_PEM_START = re.compile(rb"-----BEGIN ([^-\n]+)-----\s(.*?)(?=-----BEGIN |\Z)", re.DOTALL)
"""Pattern of the start of a PEM block and of the text up to the next PEM block."""

_WORDS = ("cert", "pkey")
_SELECTORS = {b"CERTIFICATE": tlsa.CERT, b"X509 CERTIFICATE": tlsa.CERT, b"PUBLIC KEY": tlsa.SPKI}


def roots(options: Options) -> tuple[TrustStore | None, list[str]]:
    """Load the trusted roots of ``-F`` and ``-P``; return the trust store and the lines to print.

    Without ``-F`` and ``-P`` the trust store is empty. After an error in a trust file, the trust store is None, because
    Postfix disables TLS.
    """
    try:
        _load_in_openssl(options.ca_file)
        store = truststore.load(options.ca_file, _directory(options.ca_path))
    except SSL.Error as error:
        return None, [_not_loaded(options), *library_problems(tls_errors.of(error))]
    except truststore.TrustStoreError as error:
        return None, [_not_loaded(options), f"warning: {error}"]
    if options.parameters.get("tls_append_default_CA") == "yes" and (options.ca_file or options.ca_path):
        return _joined(store, truststore.system() or EMPTY), []
    return store, []


def _load_in_openssl(ca_file: str | None) -> None:
    """Raise SSL.Error for a file that OpenSSL cannot load completely, because Postfix then disables TLS."""
    if ca_file is not None and Path(ca_file).is_file():
        SSL.Context(SSL.TLS_CLIENT_METHOD).load_verify_locations(ca_file)


def _not_loaded(options: Options) -> str:
    named = f'CAfile="{options.ca_file}"' if options.ca_file else f'CApath="{options.ca_path}"'
    return f"cannot load Certification Authority data, {named}: disabling TLS support"


def _directory(path: str | None) -> str | None:
    """Return the directory of ``-P``, or None (without an error) if the directory is missing or contains no file."""
    if path is None or not Path(path).is_dir():
        return None
    return path if any(child.is_file() for child in Path(path).iterdir()) else None


def _joined(store: TrustStore, other: TrustStore) -> TrustStore:
    """Return a trust store with the roots of two stores; of equal subjects, the roots of ``store`` come first."""
    subjects = {**store.by_subject, **other.by_subject}
    pairs = {subject: (store.by_subject.get(subject, ()), other.by_subject.get(subject, ())) for subject in subjects}
    return TrustStore({subject: tuple(dict.fromkeys(first + second)) for subject, (first, second) in pairs.items()})


def anchors(options: Options) -> tuple[tuple[TLSARecord, ...], list[str]]:
    """Read the trust anchors of ``-A``; at other levels than verify and secure, return no trust anchors.

    Return the trust anchors as TLSA records, in the order in which Postfix passes the records to OpenSSL, and the lines
    of ``-L dane`` and ``-L verbose``: for each trust anchor, the name of its file and its TLSA record of usage 2.

    A certificate or key in a file of ``-A`` that OpenSSL cannot decode becomes an unusable TLSA record. PEM blocks that
    contain neither a certificate nor a key are ignored.

    Raises:
        Fatal: a file cannot be read, contains no PEM block, or contains a malformed PEM block.
    """
    records: list[TLSARecord] = []
    lines: list[str] = []
    for path in options.anchors if options.level in (Level.VERIFY, Level.SECURE) else ():
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise _not_read(path, f"warning: error opening trust anchor file: {path}: {error.strerror}") from None
        blocks = _PEM_START.findall(data)
        if not blocks:
            raise _not_read(path)
        for label, text in blocks:
            der, problem = _decoded(label, text)
            if not der:
                raise _not_read(path, *library_problems(problem))
            found = _records(label, der)
            lines += [f"TA {_WORDS[r.selector]} as TLSA record: {path}: {tlsa.display(r)}" for r in found[:1]]
            records += found
    return tuple(reversed(records)), lines


def _not_read(path: str, *warnings: str) -> Fatal:
    return Fatal(f"Failed to load trust anchor file: {path}", *warnings)


def _decoded(label: bytes, text: bytes) -> tuple[bytes, list[str]]:
    """Return the decoded data of the PEM block at the start of a text, or empty data and OpenSSL's error."""
    body, end, _ = text.partition(b"-----END " + label + b"-----")
    if not end:
        return b"", ["04800066:PEM routines::bad end line"]
    try:
        return base64.b64decode(b"".join(body.split()), validate=True), []
    except ValueError:
        return b"", ["04800064:PEM routines::bad base64 decode"]


def _records(label: bytes, der: bytes) -> list[TLSARecord]:
    """Return the data of a PEM block as two TLSA records of matching type Full: a DANE-TA and a DANE-EE record."""
    if label not in _SELECTORS:
        return []
    return [tlsa.parse_rdata((bytes((usage, _SELECTORS[label], tlsa.FULL)) + der).hex()) for usage in (2, 3)]
