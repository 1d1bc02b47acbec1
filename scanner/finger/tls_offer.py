"""The TLS settings of finger: the options ``-g`` and ``-p`` and the parameters of main.cf as a ``TLSProfile``."""

import re
from collections.abc import Mapping

from scanner.cipher_grades import GRADES
from scanner.settings import TLSProfile

SAME_AS_MEDIUM = ("low", "export")

VERSIONS = ("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_NUMBERS = dict(zip((0x300, 0x301, 0x302, 0x303, 0x304), VERSIONS, strict=True))
_BY_NAME = {name.lower(): name for name in VERSIONS}
_DTLS = (0x100, 0xFEFD, 0xFEFE, 0xFEFF)
"""DTLS version numbers, which OpenSSL accepts as bounds of a protocol list and ignores."""

_GONE = VERSIONS[0]
"""Name of a TLS version that a protocol list may contain, but that OpenSSL no longer supports."""

_NO_SUCH = "sslv2"
"""Name of a TLS version that a protocol list may contain, but that has no effect."""

NOTHING = ("TLSv1.3", "TLSv1.2")
"""Empty range of TLS versions (minimum above maximum), with which every TLS handshake fails."""

CURVES = "X25519MLKEM768 X25519 X448 prime256v1 secp384r1 secp521r1"
FINITE_FIELDS = "ffdhe2048 ffdhe3072"
"""Default of ``tls_ffdhe_auto_groups`` if only ``tls_eecdh_auto_curves`` is set.

If only ``tls_ffdhe_auto_groups`` is set, ``CURVES`` is the default of ``tls_eecdh_auto_curves``.
"""


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
"""For each main.cf parameter with option bits: names and values of the client option bits of OpenSSL 3 and 4."""


class OfferError(ValueError):
    """Error: posttls-finger rejects a protocol list or cipher grade.

    The message of the error is the text after the server's name in posttls-finger's warning.
    """


def profile(grade: str, protocols: str, parameters: Mapping[str, str], *, must_match: bool) -> TLSProfile:
    """Return the TLS profile of a session: protocol versions, cipher list, groups and option bits.

    Args:
        grade: the minimum cipher grade, in upper or lower case.
        protocols: a protocol list, with bounds (``>=TLSv1.2``) or names (``!TLSv1``).
        parameters: main.cf parameters, by name.
        must_match: true if the TLS security level authenticates the peer, which excludes anonymous cipher suites and
            sets OpenSSL's security level to 1.

    Raises:
        OfferError: the cipher grade or the name of a protocol is unknown.
    """
    lowest, highest = versions(protocols)
    wanted = groups(parameters)
    exclusion = "!aNULL" if must_match else "!eNULL"
    ciphers = _cipher_list(grade, parameters)
    return TLSProfile(
        name="finger",
        ciphers=f"{ciphers}:{exclusion}",
        security_level=1 if must_match else security_level(ciphers),
        min_version=lowest,
        max_version=highest,
        groups=":".join(wanted) if wanted else None,
        options=bits(parameters, "tls_ssl_options")[0],
        without=bits(parameters, "tls_disable_workarounds")[0],
    )


def bits(parameters: Mapping[str, str], name: str) -> tuple[int, list[str]]:
    """Return the OpenSSL option bits of a parameter (a list of names, or one number), and warnings about the parameter.

    If the parameter contains an unknown name, no option bit is set.
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
    """Return the key exchange groups of main.cf, the most preferred first; empty for OpenSSL's default groups."""
    curves, fields = parameters.get("tls_eecdh_auto_curves"), parameters.get("tls_ffdhe_auto_groups")
    if not curves and not fields:
        return []
    return re.split(r"[\s,:]+", f"{curves or CURVES} {fields or FINITE_FIELDS}".strip())


def security_level(ciphers: str) -> int:
    """Return OpenSSL's security level from the last ``@SECLEVEL=N`` of a cipher list; 0 without such an item."""
    return int((re.findall(r"@SECLEVEL=([0-5])", ciphers) or "0")[-1])


def _cipher_list(grade: str, parameters: Mapping[str, str]) -> str:
    word = grade.lower()
    row = GRADES.get("medium" if word in SAME_AS_MEDIUM else word)
    if row is None:
        raise OfferError(f'invalid cipher grade: "{grade}"')
    return parameters.get(row[0]) or row[1]


def versions(text: str) -> tuple[str | None, str | None]:
    """Return the lowest and the highest TLS version that a protocol list allows; None stands for OpenSSL's own bound.

    In a protocol list, ``>=V`` and ``<=V`` set bounds, ``!NAME`` excludes a version, ``NAME`` excludes all versions
    that are not listed. OpenSSL supports only one range of versions, so the range ends below the lowest excluded
    version that is higher than an allowed version. A bound of a protocol list with an unknown version number has no
    effect.

    Raises:
        OfferError: a name in the list is not a known version.
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


def bound_warnings(text: str) -> list[str]:
    """Return a warning for each bound in a protocol list that OpenSSL rejects (``>=0305``)."""
    bounds = {token[:2]: token[2:] for token in re.split(r"[\s,:]+", text) if token.startswith((">=", "<="))}
    numbers = {sign: int(bound, 16) for sign, bound in bounds.items() if _is_number(bound)}
    return [
        f"error setting {which} TLS version to: 0x{numbers[sign]:04x}"
        for sign, which in ((">=", "minimum"), ("<=", "maximum"))
        if numbers.get(sign, 0) and numbers[sign] not in (*_NUMBERS, *_DTLS)
    ]


def _is_number(bound: str) -> bool:
    """Return whether a bound of a protocol list is a number as C's strtoul reads it."""
    named = bound.lower() in ("none", *_BY_NAME)
    return not named and re.fullmatch(r"\+?(?:0[xX])?[0-9A-Fa-f]{1,8}", bound) is not None


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
    """Return the set that contains the TLS version with the name ``token``; an empty set for SSLv2."""
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
    if not _is_number(token):
        raise _invalid(text)
    return _NUMBERS.get(int(token, 16))


def _invalid(text: str) -> OfferError:
    return OfferError(f'Invalid TLS protocol list "{text}": aborting TLS session')
