"""Whom a run trusts: the roots of ``-F`` and ``-P``, the anchors of ``-A``, and what Postfix says of bad ones."""

import re
from pathlib import Path

from scanner.core.pkix import EMPTY, TrustStore, anchor_records
from scanner.facts import TLSARecord
from scanner.finger.options import Fatal, Options
from scanner.net import truststore
from scanner.vocabulary import Level

_PEM = b"-----BEGIN "
_ANCHOR = re.compile(rb"-----BEGIN (X509 CERTIFICATE|CERTIFICATE|PUBLIC KEY)-----")


def roots(options: Options) -> tuple[TrustStore | None, list[str]]:
    """The trust store, empty without ``-F`` and ``-P``, and lines; None after an error, which disables TLS."""
    try:
        store = truststore.load(options.ca_file, _directory(options.ca_path))
    except truststore.TrustStoreError as error:
        named = f'CAfile="{options.ca_file}"' if options.ca_file else f'CApath="{options.ca_path}"'
        told = f"cannot load Certification Authority data, {named}: disabling TLS support"
        return None, [told, f"warning: {error}"]
    if options.parameters.get("tls_append_default_CA") == "yes" and (options.ca_file or options.ca_path):
        return _joined(store, truststore.system() or EMPTY), []
    return store, []


def _directory(path: str | None) -> str | None:
    """A CApath is looked into when it is needed: one without certificates, or that is none, is no error."""
    if path is None or not Path(path).is_dir():
        return None
    return path if any(child.is_file() for child in Path(path).iterdir()) else None


def _joined(store: TrustStore, other: TrustStore) -> TrustStore:
    """Both stores' certificates, those of the first before."""
    subjects = {**store.by_subject, **other.by_subject}
    pairs = {subject: (store.by_subject.get(subject, ()), other.by_subject.get(subject, ())) for subject in subjects}
    return TrustStore({subject: tuple(dict.fromkeys(first + second)) for subject, (first, second) in pairs.items()})


def anchors(options: Options) -> tuple[TLSARecord, ...]:
    """The trust anchors, which only the levels verify and secure read.

    Raises:
        Fatal: a file cannot be read, holds a broken one, or nothing in PEM; other things in PEM are passed over.
    """
    found: list[TLSARecord] = []
    for path in options.anchors if options.level in (Level.VERIFY, Level.SECURE) else ():
        try:
            data = Path(path).read_bytes()
            records = anchor_records(data)
        except OSError as error:
            warning = f"warning: error opening trust anchor file: {path}: {error.strerror}"
            raise Fatal(f"Failed to load trust anchor file: {path}", warning) from None
        except ValueError:
            if _ANCHOR.search(data) or _PEM not in data:
                raise Fatal(f"Failed to load trust anchor file: {path}") from None
            continue
        found += records
    return tuple(found)
