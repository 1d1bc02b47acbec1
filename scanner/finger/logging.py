"""``-L``: which kinds of line are printed."""

import re
from enum import Flag, auto


class Log(Flag):
    """Kinds of line that ``-L`` turns on."""

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


_DEBUG = Log.SUMMARY | Log.PEER | Log.VERBOSE | Log.CACHE | Log.DEBUG
_EXPERT = _DEBUG | Log.HANDSHAKE_DUMP
_DEVELOPER = _EXPERT | Log.SESSION_DUMP

KEYWORDS = {
    **dict.fromkeys(("0", "none"), Log.NOTHING),
    **dict.fromkeys(("1", "routine", "summary"), Log.SUMMARY),
    **dict.fromkeys(("2", "debug"), _DEBUG),
    **dict.fromkeys(("3", "ssl-expert"), _EXPERT),
    **dict.fromkeys(("4", "5", "6", "7", "8", "9", "ssl-developer"), _DEVELOPER),
    "untrusted": Log.UNTRUSTED,
    "peercert": Log.PEER,
    "certmatch": Log.PEER,
    "verbose": Log.PEER | Log.VERBOSE,
    "cache": Log.CACHE,
    "dane": Log.DANE,
    "ssl-debug": Log.DEBUG,
    "ssl-handshake-packet-dump": Log.HANDSHAKE_DUMP,
    "ssl-session-packet-dump": Log.SESSION_DUMP,
    "trace": Log.TRACE,
}


def parse(text: str) -> tuple[Log, str | None]:
    """The kinds of a keyword list, and the first unknown keyword; one of those makes the whole list void."""
    mask = Log.NOTHING
    for word in re.split(r"[\s,]+", text.strip()):
        if not word:
            continue
        if word.lower() not in KEYWORDS:
            return Log.NOTHING, word
        mask |= KEYWORDS[word.lower()]
    return mask, None
