"""The fingerprint level: match arguments against the leaf certificate's and its public key's digest."""

import hashlib
import re
from collections.abc import Sequence

from scanner.core.x509.certificate import spki
from scanner.core.x509.verify_error import VerifyError
from scanner.facts import CertFacts, TLSARecord
from scanner.model import DaneEvidence, PathError
from scanner.vocabulary import Unusable

PRIVATE = 255
"""The matching type that Postfix lends to digests of the user's choice."""

MAX_LENGTH = 192
"""Characters of a fingerprint argument that Postfix reads: SHA-512 with colons."""

SHOWN = 100
"""Characters shown of one that is longer."""

_DIGEST = re.compile(r"[0-9A-Fa-f]{2}(?::?[0-9A-Fa-f]{2})*")

_FORCED = PathError(VerifyError.UNSPECIFIED, 0, VerifyError.UNSPECIFIED.text)
_NO_MATCH = PathError(VerifyError.DANE_NO_MATCH, 0, VerifyError.DANE_NO_MATCH.text)


def parse(
    arguments: Sequence[str], algorithm: str, *, key_only: bool = False
) -> tuple[tuple[TLSARecord, ...], list[str]]:
    """Read fingerprint arguments.

    Args:
        arguments: digests in hex, with or without colons between the octets.
        algorithm: the digest's name.
        key_only: only the public key counts, as it does for who asks for raw public keys (``-x``).

    Returns:
        Two records for each digest, one for the key and one for the certificate, and warnings about bad arguments.
    """
    size = hashlib.new(algorithm).digest_size
    selectors = (1,) if key_only else (1, 0)
    records: list[TLSARecord] = []
    warnings: list[str] = []
    for text in arguments:
        if not text:
            continue
        if len(text) > MAX_LENGTH or not _DIGEST.fullmatch(text):
            shown = text if len(text) <= MAX_LENGTH else f"{text[:SHOWN]}..."
            warnings.append(f"warning: malformed fingerprint value: {shown}")
            continue
        digits = text.replace(":", "")
        unusable = None if len(digits) == 2 * size else Unusable.DIGEST_LENGTH
        records += [TLSARecord(3, selector, PRIVATE, digits.lower(), unusable) for selector in selectors]
    return tuple(records), warnings


def match(records: Sequence[TLSARecord], leaf: CertFacts, algorithm: str) -> DaneEvidence:
    """Compare the leaf with the records; authorities never match, names and dates do not count.

    Where there are digests but none that can be compared, verification was made to fail. Where there are none at all,
    nothing matches; Postfix then verifies the chain instead, and with ``-F`` calls Verified what no digest names.
    """
    digests = {
        0: hashlib.new(algorithm, leaf.der).hexdigest(),
        1: hashlib.new(algorithm, spki(leaf.der)).hexdigest(),
    }
    hit = next((r for r in records if r.unusable is None and digests[r.selector] == r.data), None)
    forced = bool(records) and all(record.unusable for record in records)
    errors = () if hit else (_FORCED if forced else _NO_MATCH,)
    return DaneEvidence(hit, 0, bare_key=False, needs_name=False, path=(leaf.sha256,), errors=errors)
