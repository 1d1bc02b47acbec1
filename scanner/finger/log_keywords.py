"""The keywords of ``-L``, which select the kinds of line to print."""

import re
from enum import Flag, auto


class LogMask(Flag):
    """The kinds of line that ``-L`` turns on."""

    NOTHING = 0
    SUMMARY = auto()
    UNTRUSTED = auto()
    PEER = auto()  # the peer's names and what matched: certmatch, peercert and verbose alike since Postfix 3.6
    VERBOSE = auto()
    CACHE = auto()
    DANE = auto()
    DEBUG = auto()
    HANDSHAKE_DUMP = auto()
    SESSION_DUMP = auto()
    TRACE = auto()  # OpenSSL's own words for every message: the binding does not give them


_DEBUG = LogMask.SUMMARY | LogMask.PEER | LogMask.VERBOSE | LogMask.CACHE | LogMask.DEBUG
_EXPERT = _DEBUG | LogMask.HANDSHAKE_DUMP
_DEVELOPER = _EXPERT | LogMask.SESSION_DUMP

KEYWORDS = {
    **dict.fromkeys(("0", "none"), LogMask.NOTHING),
    **dict.fromkeys(("1", "routine", "summary"), LogMask.SUMMARY),
    **dict.fromkeys(("2", "debug"), _DEBUG),
    **dict.fromkeys(("3", "ssl-expert"), _EXPERT),
    **dict.fromkeys(("4", "5", "6", "7", "8", "9", "ssl-developer"), _DEVELOPER),
    "untrusted": LogMask.UNTRUSTED,
    "peercert": LogMask.PEER,
    "certmatch": LogMask.PEER,
    "verbose": LogMask.PEER | LogMask.VERBOSE,
    "cache": LogMask.CACHE,
    "dane": LogMask.DANE,
    "ssl-debug": LogMask.DEBUG,
    "ssl-handshake-packet-dump": LogMask.HANDSHAKE_DUMP,
    "ssl-session-packet-dump": LogMask.SESSION_DUMP,
    "trace": LogMask.TRACE,
}


def parse(text: str) -> tuple[LogMask, str | None]:
    """Return the kinds of a keyword list, and the first unknown keyword; an unknown keyword empties the list."""
    mask = LogMask.NOTHING
    for word in re.split(r"[\s,]+", text.strip()):
        if not word:
            continue
        if word.lower() not in KEYWORDS:
            return LogMask.NOTHING, word
        mask |= KEYWORDS[word.lower()]
    return mask, None
