"""What ``-g``, ``-p`` and the cipher parameters offer in the handshake: Postfix's words into a ``TLSProfile``."""

import re
from collections.abc import Mapping

from scanner.settings import EXCLUDED, MEDIUM, TLSProfile

GRADES = {
    "high": ("tls_high_cipherlist", f"aNULL:-aNULL:HIGH:{EXCLUDED}:@STRENGTH"),
    "medium": ("tls_medium_cipherlist", MEDIUM),
    "null": ("tls_null_cipherlist", "eNULL:!kDH:!kECDH:!aDSS:!MD5:!aNULL"),
}
"""Cipher grades of Postfix 3.8 and later: the parameter that overrides each, and its default."""

SAME_AS_MEDIUM = ("low", "export")

VERSIONS = ("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_NUMBERS = dict(zip((0x300, 0x301, 0x302, 0x303, 0x304), VERSIONS, strict=True))
_BY_NAME = {name.lower(): name for name in VERSIONS}
_GONE = VERSIONS[0]
"""May be named and bounded by, but no library that we use offers it."""

_NO_SUCH = "sslv2"
"""Known by name and to no effect: nothing offers it any more."""

NOTHING = ("TLSv1.3", "TLSv1.2")
"""A range without any version: OpenSSL then refuses to begin, as it does for Postfix."""

CURVES = "X25519MLKEM768 X25519 X448 prime256v1 secp384r1 secp521r1"
FINITE_FIELDS = "ffdhe2048 ffdhe3072"
"""Groups that stand beside those of the other parameter, where only one of the two is given."""


OPTIONS = {
    "tls_ssl_options": {
        "LEGACY_SERVER_CONNECT": 1 << 2,
        "NO_TICKET": 1 << 14,
        "NO_SESSION_RESUMPTION_ON_RENEGOTIATION": 1 << 16,
        "NO_COMPRESSION": 1 << 17,
        "ENABLE_MIDDLEBOX_COMPAT": 1 << 20,
        "PRIORITIZE_CHACHA": 1 << 21,
        "NO_RENEGOTIATION": 1 << 30,
    },
    "tls_disable_workarounds": {
        "LEGACY_SERVER_CONNECT": 1 << 2,
        "TLSEXT_PADDING": 1 << 4,
        "SAFARI_ECDHE_ECDSA_BUG": 1 << 6,
        "DONT_INSERT_EMPTY_FRAGMENTS": 1 << 11,
        "CRYPTOPRO_TLSEXT_BUG": 1 << 31,
    },
}
"""Bits of OpenSSL 3 and 4 that a client can do something with, as ssl.h numbers them."""


class OfferError(ValueError):
    """The list or grade is invalid; the text is posttls-finger's warning, less its subject."""


def profile(grade: str, protocols: str, parameters: Mapping[str, str], *, must_match: bool) -> TLSProfile:
    """The TLS profile of a session.

    Args:
        grade: the minimum cipher grade, any case.
        protocols: a protocol list, either syntax.
        parameters: main.cf parameters, by name.
        must_match: the level authenticates the peer: no anonymous suites, OpenSSL security level 1.

    Raises:
        OfferError: an unknown grade or protocol.
    """
    lowest, highest = versions(protocols)
    wanted = groups(parameters)
    exclusion = "!aNULL" if must_match else "!eNULL"
    return TLSProfile(
        name="finger",
        ciphers=f"{_cipher_list(grade, parameters)}:{exclusion}",
        security_level=1 if must_match else 0,
        min_version=lowest,
        max_version=highest,
        groups=":".join(wanted) if wanted else None,
        options=bits(parameters, "tls_ssl_options")[0],
        without=bits(parameters, "tls_disable_workarounds")[0],
    )


def bits(parameters: Mapping[str, str], name: str) -> tuple[int, list[str]]:
    """The OpenSSL option bits that a parameter lists, by name or as one number, and a warning.

    An unknown word voids the list.
    """
    text = parameters.get(name, "")
    if re.fullmatch(r"0[xX][0-9A-Fa-f]{1,16}", text):
        return int(text, 16), []
    found = 0
    for word in re.split(r"[\s,]+", text.strip()) if text.strip() else ():
        if word.upper() not in OPTIONS[name]:
            return 0, [f'warning: unknown {name} value "{word}" in "{text}"']
        found |= OPTIONS[name][word.upper()]
    return found, []


def groups(parameters: Mapping[str, str]) -> list[str]:
    """The key exchange groups that main.cf asks for, strongest wish first; none where the library may choose."""
    curves, fields = parameters.get("tls_eecdh_auto_curves"), parameters.get("tls_ffdhe_auto_groups")
    if not curves and not fields:
        return []
    return re.split(r"[\s,:]+", f"{curves or CURVES} {fields or FINITE_FIELDS}".strip())


def _cipher_list(grade: str, parameters: Mapping[str, str]) -> str:
    word = grade.lower()
    row = GRADES.get("medium" if word in SAME_AS_MEDIUM else word)
    if row is None:
        raise OfferError(f'invalid cipher grade: "{grade}"')
    return parameters.get(row[0]) or row[1]


def versions(text: str) -> tuple[str | None, str | None]:
    """The lowest and highest version of a protocol list; None is the library's own bound.

    ``>=V`` and ``<=V`` set bounds, ``!NAME`` excludes, ``NAME`` includes and then excludes the others. OpenSSL knows
    a range only: what lies above the first hole is given up. A bound that is a number of no known version is none.

    Raises:
        OfferError: a word of the list is not known.
    """
    bounds: dict[str, str | None] = {}
    excluded: set[str] = set()
    included: set[str] = set()
    for token in re.split(r"[\s,:]+", text):
        if token.startswith((">=", "<=")):
            bounds[token[:2]] = _bound(token[2:], text)
        elif token.startswith("!"):
            excluded |= _names(token[1:], text)
        elif token:
            included |= _names(token, text)
    if included:
        excluded |= set(VERSIONS) - included
    return _range(bounds.get(">="), bounds.get("<="), excluded)


def _range(floor: str | None, ceiling: str | None, excluded: set[str]) -> tuple[str | None, str | None]:
    floor = None if floor == _GONE else floor
    if ceiling == _GONE:
        return NOTHING
    if not excluded - {_GONE}:
        return floor, ceiling
    first = VERSIONS.index(floor) if floor else 1
    last = VERSIONS.index(ceiling) if ceiling else len(VERSIONS) - 1
    allowed = [i for i in range(first, last + 1) if VERSIONS[i] not in excluded]
    if not allowed:
        return NOTHING
    top = allowed[0]
    while top + 1 in allowed:
        top += 1
    lowest = VERSIONS[allowed[0]] if allowed[0] > 1 else None
    highest = None if top == len(VERSIONS) - 1 else VERSIONS[top]
    return lowest, highest


def _names(token: str, text: str) -> set[str]:
    """The version that a name means, as a set: empty for the one that no library has."""
    if token.lower() == _NO_SUCH:
        return set()
    if token.lower() not in _BY_NAME:
        raise _invalid(text)
    return {_BY_NAME[token.lower()]}


def _bound(token: str, text: str) -> str | None:
    if token.lower() in ("", "none"):
        return None
    if token.lower() in _BY_NAME:
        return _BY_NAME[token.lower()]
    if not re.fullmatch(r"(?:0[xX])?[0-9A-Fa-f]{1,4}", token):
        raise _invalid(text)
    return _NUMBERS.get(int(token, 16))


def _invalid(text: str) -> OfferError:
    return OfferError(f'Invalid TLS protocol list "{text}": aborting TLS session')
