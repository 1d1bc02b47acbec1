"""The fingerprint level: match arguments against the leaf certificate's and its public key's digest."""

import hashlib
import re
from collections.abc import Sequence

from scanner.core.x509 import spki
from scanner.model import CertFacts, DaneEvidence, PathError, TLSARecord
from scanner.vocabulary import Unusable

PRIVATE = 255
"""The matching type that Postfix lends to digests of the user's choice."""

MAX_LENGTH = 192
"""Characters of a fingerprint argument that Postfix reads: SHA-512 with colons."""

_NO_MATCH = PathError(65, 0, "no matching DANE TLSA records")


def parse(arguments: Sequence[str], algorithm: str) -> tuple[tuple[TLSARecord, ...], list[str]]:
    """Fingerprint arguments as records (one for the certificate, one for its key), and warnings about bad ones."""
    size = hashlib.new(algorithm).digest_size
    records: list[TLSARecord] = []
    warnings: list[str] = []
    for text in arguments:
        digits = text.replace(":", "") if re.fullmatch(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})*", text) else text
        if len(text) > MAX_LENGTH or not re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", digits):
            warnings.append(f"warning: malformed fingerprint value: {text}")
            continue
        unusable = None if len(digits) == 2 * size else Unusable.DIGEST_LENGTH
        records += [TLSARecord(3, selector, PRIVATE, digits.lower(), unusable) for selector in (1, 0)]
    return tuple(records), warnings


def match(records: Sequence[TLSARecord], leaf: CertFacts, algorithm: str) -> DaneEvidence:
    """Compare the leaf with the records; authorities never match, names and dates do not count."""
    digests = {
        0: hashlib.new(algorithm, leaf.der).hexdigest(),
        1: hashlib.new(algorithm, spki(leaf.der)).hexdigest(),
    }
    hit = next((r for r in records if r.unusable is None and digests[r.selector] == r.data), None)
    errors = () if hit else (_NO_MATCH,)
    return DaneEvidence(hit, 0, bare_key=False, needs_name=False, path=(leaf.sha256,), errors=errors)
