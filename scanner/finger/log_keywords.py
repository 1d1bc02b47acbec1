"""The keywords of ``-L``, which select the TLS log lines to print."""

import re
from enum import Flag, auto


class LogMask(Flag):
    """Classes of TLS log lines that ``-L`` enables."""

    NOTHING = 0
    SUMMARY = auto()
    UNTRUSTED = auto()
    PEER = auto()  # the peer's names and the match; certmatch, peercert and verbose are the same since Postfix 3.6
    VERBOSE = auto()
    CACHE = auto()
    DANE = auto()
    DEBUG = auto()
    HANDSHAKE_DUMP = auto()
    SESSION_DUMP = auto()
    TRACE = auto()  # OpenSSL's text for every message, which the binding does not provide


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
    """Return the line classes that a ``-L`` list of keywords selects, and the first unknown keyword of the list.

    If the list contains an unknown keyword, the returned ``LogMask`` contains no line class.
    """
    mask = LogMask.NOTHING
    for word in re.split(r"[\s,]+", text.strip()):
        if not word:
            continue
        if word.lower() not in KEYWORDS:
            return LogMask.NOTHING, word
        mask |= KEYWORDS[word.lower()]
    return mask, None


def complaint(text: str) -> list[str]:
    """Return the warning about an unknown keyword in a ``-L`` list; an empty list if all keywords are known."""
    _, unknown = parse(text)
    return [] if unknown is None else [f'warning: unknown -L option value "{unknown}" in "{text}"']


def tls_start(text: str) -> list[str]:
    """Return the lines printed when TLS is set up: warnings about a ``-L`` list, and the line that ``verbose`` adds."""
    verbose = LogMask.VERBOSE in parse(text)[0]
    return [*complaint(text) * 2, *(["initializing the client-side TLS engine"] if verbose else ())]
