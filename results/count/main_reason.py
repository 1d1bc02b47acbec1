"""The reason code that explains the verdict of an MX host, chosen from all reason codes of the host."""

from collections.abc import Collection

from scanner.reasons import Reason
from scanner.vocabulary import Dane

BY_DANE: dict[str, tuple[Reason, ...]] = {
    Dane.MISMATCH: (
        Reason.TLSA_MISMATCH,
        Reason.NAME_MISMATCH,
        Reason.CERTIFICATE_EXPIRED,
        Reason.CERTIFICATE_NOT_YET_VALID,
        Reason.CERTIFICATE_NOT_TRUSTED,
        Reason.CERTIFICATE_WEAK,
        Reason.CERTIFICATE_INVALID,
        Reason.NO_CERTIFICATE,
        Reason.OTHER_CERTIFICATE_MISMATCH,
    ),
    Dane.NO_TLS: (
        Reason.EHLO_REJECTED,
        Reason.STARTTLS_NOT_OFFERED,
        Reason.STARTTLS_REFUSED,
        Reason.TLS_ANONYMOUS,
        Reason.TLS_LEGACY_ONLY,
        Reason.TLS_WEAK_ONLY,
        Reason.TLS_LARGE_HELLO_INTOLERANT,
        Reason.TLS_MESSAGE_TOO_LONG,
        Reason.TLS_HANDSHAKE_FAILED,
    ),
    Dane.LOOKUP_FAILED: (
        Reason.ADDRESS_BOGUS,
        Reason.ADDRESS_LOOKUP_FAILED,
        Reason.TLSA_BOGUS,
        Reason.TLSA_LOOKUP_FAILED,
    ),
    Dane.UNUSABLE: (Reason.TLSA_UNUSABLE_USAGE, Reason.TLSA_UNUSABLE_DATA),
}
"""The reasons that can cause each DANE verdict of a host, the most specific reason first."""

_SECONDARY = (
    Reason.SOME_ADDRESSES_UNREACHABLE,
    Reason.SOME_ADDRESSES_INCONCLUSIVE,
    Reason.HOST_UNREACHABLE,
    Reason.INFERRED_FROM_SAMPLE,
    Reason.LEVEL_NOT_MET,
    Reason.TLSA_NONE,
    Reason.TLSA_NAME_IMPOSSIBLE,
    Reason.HOST_INSECURE,
    Reason.MX_TARGET_IS_ALIAS,
)
"""Reason codes that are the main reason of a verdict only if the verdict has no other reason."""


def main_reason(dane: str, codes: Collection[str]) -> str:
    """Return the reason code that explains a host's verdict; an empty text if the host has no reasons.

    Args:
        dane: the DANE verdict of the host.
        codes: all reason codes of the host and its addresses.
    """
    reasons = set(codes)
    for wanted in BY_DANE.get(dane, ()):
        if wanted in reasons:
            return wanted
    primary = sorted(reasons - set(_SECONDARY))
    return next(iter(primary or sorted(reasons)), "")
