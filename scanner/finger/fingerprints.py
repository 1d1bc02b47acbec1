"""The level ``fingerprint``: comparison of match arguments with digests of the leaf certificate and its public key."""

import hashlib
import re
from collections.abc import Sequence

from scanner.core.x509.certificate import spki
from scanner.core.x509.verify_error import VerifyError
from scanner.facts import CertFacts, TLSARecord
from scanner.model import DaneEvidence, PathError
from scanner.vocabulary import Unusable

PRIVATE = 255
"""TLSA matching type that Postfix uses for the digest algorithm of ``-d``."""

MAX_LENGTH = 192
"""Maximum length in characters of a fingerprint argument: SHA-512 with colons, as in Postfix."""

SHOWN = 100
"""Number of characters of an overlong fingerprint argument that the warning prints."""

_DIGEST = re.compile(r"[0-9A-Fa-f]{2}(?::?[0-9A-Fa-f]{2})*")

FORCED = PathError(VerifyError.UNSPECIFIED, 0, VerifyError.UNSPECIFIED.text)
"""OpenSSL's error if all TLSA records are unusable."""

NO_MATCH = PathError(VerifyError.DANE_NO_MATCH, 0, VerifyError.DANE_NO_MATCH.text)


def input_lines(arguments: Sequence[str], *, records: bool = False, notice: Sequence[str] = ()) -> list[str]:
    """Return the lines that Postfix prints about fingerprint arguments.

    Args:
        arguments: the match arguments; empty arguments are ignored.
        records: true to add a line for each well-formed fingerprint; a malformed argument gets a warning in any case.
        notice: lines that Postfix repeats before each argument.
    """
    found: list[str] = []
    for text in filter(None, arguments):
        found += notice
        if not _well_formed(text):
            shown = text if len(text) <= MAX_LENGTH else f"{text[:SHOWN]}..."
            found.append(f"warning: malformed fingerprint value: {shown}")
        elif records:
            digits = text.replace(":", "").upper()
            found.append(f"fingerprint: digest as private-use TLSA record: 3 0 {PRIVATE} {digits}")
    return found


def parse(arguments: Sequence[str], algorithm: str, *, key_only: bool = False) -> tuple[TLSARecord, ...]:
    """Return the fingerprints as TLSA records, in the order in which Postfix passes the records to OpenSSL.

    Args:
        arguments: digests in hex, with or without colons between the octets; malformed digests are ignored.
        algorithm: name of the digest algorithm.
        key_only: true to compare only the public key (``-x``).

    Returns:
        Two TLSA records for each argument (public key, then certificate; with ``key_only``, only the public key); the
        records of the last argument come first.
    """
    size = hashlib.new(algorithm).digest_size
    digests = [text.replace(":", "").lower() for text in reversed(arguments) if _well_formed(text)]
    return tuple(
        TLSARecord(3, selector, PRIVATE, digits, None if len(digits) == 2 * size else Unusable.DIGEST_LENGTH)
        for digits in digests
        for selector in ((1,) if key_only else (1, 0))
    )


def _well_formed(text: str) -> bool:
    return len(text) <= MAX_LENGTH and _DIGEST.fullmatch(text) is not None


def match(records: Sequence[TLSARecord], leaf: CertFacts, algorithm: str) -> DaneEvidence:
    """Compare the leaf certificate with fingerprints in the form of TLSA records.

    Names, validity dates and issuers are not checked. If every TLSA record is unusable, verification fails with
    OpenSSL's error 1. If ``records`` is empty, no certificate matches, whereas posttls-finger without fingerprints
    verifies the chain with the roots of ``-F``.
    """
    digests = {
        0: hashlib.new(algorithm, leaf.der).hexdigest(),
        1: hashlib.new(algorithm, spki(leaf.der)).hexdigest(),
    }
    hits = [r for r in records if r.unusable is None and digests[r.selector] == r.data]
    hit = max(hits, key=lambda record: record.selector, default=None)  # OpenSSL tries public keys first
    forced = bool(records) and all(record.unusable for record in records)
    errors = () if hit else (FORCED if forced else NO_MATCH,)
    return DaneEvidence(hit, 0, bare_key=False, needs_name=False, path=(leaf.sha256,), errors=errors)
