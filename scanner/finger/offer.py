"""What ``-g``, ``-p`` and the cipher parameters offer in the handshake: Postfix's words into a ``TLSProfile``."""

import re
from collections.abc import Mapping

from scanner.settings import TLSProfile

_X = "!SEED:!IDEA:!3DES:!RC2:!RC4:!RC5:!kDH:!kECDH:!aDSS:!MD5"

GRADES = {
    "high": ("tls_high_cipherlist", f"aNULL:-aNULL:HIGH:{_X}:@STRENGTH"),
    "medium": ("tls_medium_cipherlist", f"aNULL:-aNULL:HIGH:MEDIUM:{_X}:+RC4:@STRENGTH"),
    "null": ("tls_null_cipherlist", "eNULL:!kDH:!kECDH:!aDSS:!MD5:!aNULL"),
}
"""Cipher grades of Postfix 3.8 and later: the parameter that overrides each, and its default."""

SAME_AS_MEDIUM = ("low", "export")

VERSIONS = ("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_NUMBERS = dict(zip((0x300, 0x301, 0x302, 0x303, 0x304), VERSIONS, strict=True))
_BY_NAME = {name.lower(): name for name in VERSIONS}
_KNOWN_NAMES = {"sslv2", *_BY_NAME}


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
    exclusion = "!aNULL" if must_match else "!eNULL"
    return TLSProfile(
        name="finger",
        ciphers=f"{_cipher_list(grade, parameters)}:{exclusion}",
        security_level=1 if must_match else 0,
        min_version=lowest,
        max_version=highest,
    )


def _cipher_list(grade: str, parameters: Mapping[str, str]) -> str:
    word = grade.lower()
    row = GRADES.get("medium" if word in SAME_AS_MEDIUM else word)
    if row is None:
        raise OfferError(f'invalid cipher grade: "{grade}"')
    return parameters.get(row[0]) or row[1]


def versions(text: str) -> tuple[str | None, str | None]:
    """The lowest and highest version of a protocol list; None is the library's own bound.

    ``>=V`` and ``<=V`` set bounds, ``!NAME`` excludes, ``NAME`` includes and then excludes the others. OpenSSL knows
    a range only: what lies above the first hole is given up.
    """
    floor: str | None = None
    ceiling: str | None = None
    excluded: set[str] = set()
    included: set[str] = set()
    for token in re.split(r"[\s,:]+", text.strip()) if text.strip() else ():
        if token.startswith(">="):
            floor = _bound(token[2:], text)
        elif token.startswith("<="):
            ceiling = _bound(token[2:], text)
        elif token.startswith("!"):
            excluded.add(_name(token[1:], text))
        else:
            included.add(_name(token, text))
    if included:
        excluded |= {name.lower() for name in VERSIONS} - included
    return _range(floor, ceiling, excluded)


def _range(floor: str | None, ceiling: str | None, excluded: set[str]) -> tuple[str | None, str | None]:
    if not {name.lower() for name in VERSIONS} & excluded:
        return floor, ceiling
    first = VERSIONS.index(floor) if floor else 0
    last = VERSIONS.index(ceiling) if ceiling else len(VERSIONS) - 1
    allowed = [i for i in range(first, last + 1) if VERSIONS[i].lower() not in excluded]
    if not allowed:
        raise OfferError("no TLS protocol is left to offer")
    top = allowed[0]
    while top + 1 in allowed:
        top += 1
    highest = None if top == len(VERSIONS) - 1 else VERSIONS[top]
    return VERSIONS[allowed[0]], highest


def _name(token: str, text: str) -> str:
    if token.lower() not in _KNOWN_NAMES:
        raise OfferError(f'Invalid TLS protocol list "{text}": aborting TLS session')
    return token.lower()


def _bound(token: str, text: str) -> str | None:
    if token.lower() == "none":
        return None
    if token.lower() in _BY_NAME:
        return _BY_NAME[token.lower()]
    try:
        return _NUMBERS[int(token, 16)]
    except (ValueError, KeyError):
        raise OfferError(f'Invalid TLS protocol list "{text}": aborting TLS session') from None
