"""Raw public keys (RFC 7250) in finger: whether a run requests them, and the comparison of a key with TLSA records.

Raw public keys are requested with ``-x`` only. GnuTLS makes a handshake that requests a raw public key (module
``net.gnutls``). Options that need OpenSSL or an X.509 certificate cannot be combined with raw public keys: resumed
sessions (``-r``), a client certificate, ``--json`` and ``--save``.
"""

import hashlib
from collections.abc import Sequence

from scanner.core import tlsa
from scanner.core.policy import Policy
from scanner.core.x509 import keys
from scanner.core.x509.der import DERError
from scanner.core.x509.verify_error import VerifyError
from scanner.facts import TLSALookup, TLSARecord
from scanner.finger.fingerprints import FORCED, NO_MATCH, PRIVATE
from scanner.finger.options import Options
from scanner.model import DaneEvidence, PathError
from scanner.vocabulary import Level

_WITHOUT_DANE = (Level.MAY, Level.ENCRYPT, Level.FINGERPRINT)
"""TLS security levels without DANE at which posttls-finger requests raw public keys with ``-x``."""

NOTE = (
    "note: GnuTLS makes the handshakes that request raw public keys (-x); their cipher and group may differ from those"
    " of OpenSSL\n"
)

LACKING = "warning: raw public keys (-x) cannot be asked for with this TLS library"

EXCLUDED = "warning: raw public keys (-x) are not requested together with -r, --json, --save or a client certificate"

_UNTRUSTED = PathError(95, 0, "Raw public key untrusted, no trusted keys configured")
"""OpenSSL's error for a raw public key if no TLSA records are given to compare (X509_V_ERR_RPK_UNTRUSTED)."""

_TOO_WEAK = PathError(VerifyError.EE_KEY_TOO_SMALL, 0, VerifyError.EE_KEY_TOO_SMALL.text)


def problem(options: Options) -> str | None:
    """Return the warning if a run cannot request raw public keys; return None if the run can request raw public keys.

    The warning is an empty text if GnuTLS is missing at a level at which posttls-finger prints no warning.
    """
    from scanner.net import gnutls  # noqa: PLC0415 - only -x needs it

    if not gnutls.available():
        return LACKING if options.level in _WITHOUT_DANE else ""
    excluded = options.reconnect >= 0 or options.json or options.save or options.chains or options.certificate
    return EXCLUDED if excluded else None


def has_effect(options: Options) -> bool:
    """Return whether ``-x`` is given and has an effect; at the levels ``verify`` and ``secure``, ``-x`` has none."""
    return options.raw_keys and (options.level in _WITHOUT_DANE or options.level.dane_based)


def requested(rule: Policy, lookup: TLSALookup | None) -> bool:
    """Return whether a run with ``-x`` requests a raw public key from one host.

    At levels with DANE, a raw public key is requested only if every usable TLSA record is ``3 1 x``, because no other
    record can match a raw public key.
    """
    if not rule.level.dane_based:
        return rule.level in _WITHOUT_DANE and not rule.check_names
    usable = [record for record in lookup.records if record.unusable is None] if lookup is not None else []
    return bool(usable) and all(_names_key(record) for record in usable)


def _names_key(record: TLSARecord) -> bool:
    return (record.usage, record.selector) == (tlsa.DANE_EE, tlsa.SPKI)


def match(records: Sequence[TLSARecord], key: bytes, algorithm: str, security_level: int) -> DaneEvidence:
    """Compare a raw public key with ``3 1 x`` TLSA records, without digest agility, as OpenSSL does.

    RFC 7671 section 4 describes the comparison.

    Args:
        records: TLSA records, or fingerprints as records (``fingerprints.parse``).
        key: the DER of the SubjectPublicKeyInfo.
        algorithm: the digest algorithm of fingerprints.
        security_level: the OpenSSL security level for the key.

    Returns:
        The matching TLSA record and the errors; the certificate path is empty.
    """
    found = {
        tlsa.FULL: key.hex(),
        tlsa.SHA256: hashlib.sha256(key).hexdigest(),
        tlsa.SHA512: hashlib.sha512(key).hexdigest(),
        PRIVATE: hashlib.new(algorithm, key).hexdigest(),
    }
    usable = [record for record in records if record.unusable is None]
    hit = next((r for r in usable if _names_key(r) and found.get(r.matching_type) == r.data), None)
    errors = () if hit is not None else (_failure(records, usable),)
    if _is_weak(key, security_level):
        errors = (_TOO_WEAK,)
    return DaneEvidence(hit, 0, bare_key=False, needs_name=False, path=(), errors=errors)


def _failure(records: Sequence[TLSARecord], usable: Sequence[TLSARecord]) -> PathError:
    if usable:
        return NO_MATCH
    return FORCED if records else _UNTRUSTED


def _is_weak(key: bytes, level: int) -> bool:
    """Return whether the strength of a key is known and below the minimum of OpenSSL's security level ``level``."""
    try:
        found = keys.key(key)
    except DERError:
        return False
    return level > 0 and found.bits > 0 and found.strength < keys.LEVEL_BITS[level]
