"""``-L``: the keywords, as postconf(5) and posttls-finger(1) list them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.finger.log_keywords import KEYWORDS, LogMask, parse

DEBUG = LogMask.SUMMARY | LogMask.PEER | LogMask.VERBOSE | LogMask.CACHE | LogMask.DEBUG

LISTS = [
    # text, kinds: posttls-finger(1), option -L
    ("", LogMask.NOTHING),
    ("none", LogMask.NOTHING),
    ("0", LogMask.NOTHING),
    ("1", LogMask.SUMMARY),
    ("routine,certmatch", LogMask.SUMMARY | LogMask.PEER),
    ("summary peercert", LogMask.SUMMARY | LogMask.PEER),
    ("ROUTINE,, \t Untrusted", LogMask.SUMMARY | LogMask.UNTRUSTED),
    ("2", DEBUG),
    ("ssl-expert", DEBUG | LogMask.HANDSHAKE_DUMP),
    ("9", DEBUG | LogMask.HANDSHAKE_DUMP | LogMask.SESSION_DUMP),
    ("verbose", LogMask.PEER | LogMask.VERBOSE),  # since Postfix 3.6 it prints what certmatch prints, and more
    ("cache,dane", LogMask.CACHE | LogMask.DANE),
    ("ssl-debug", LogMask.DEBUG),
    ("ssl-handshake-packet-dump", LogMask.HANDSHAKE_DUMP),
    ("ssl-session-packet-dump", LogMask.SESSION_DUMP),
    ("trace", LogMask.TRACE),
]


@pytest.mark.parametrize(("text", "kinds"), LISTS)
def test_lists(text: str, kinds: LogMask) -> None:
    assert parse(text) == (kinds, None)


def test_an_unknown_keyword_makes_the_whole_list_void() -> None:
    assert parse("routine,what,certmatch,ever") == (LogMask.NOTHING, "what")


@given(st.lists(st.sampled_from(sorted(KEYWORDS))), st.sampled_from([",", " ", ", ", "\t"]))
def test_a_list_is_the_sum_of_its_words(words: list[str], separator: str) -> None:
    total = LogMask.NOTHING
    for word in words:
        total |= KEYWORDS[word]
    assert parse(separator.join(words)) == (total, None)
