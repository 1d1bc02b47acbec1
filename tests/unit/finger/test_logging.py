"""``-L``: the keywords, as postconf(5) and posttls-finger(1) list them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.finger.logging import KEYWORDS, Log, parse

DEBUG = Log.SUMMARY | Log.PEER | Log.VERBOSE | Log.CACHE | Log.DEBUG

LISTS = [
    # text, kinds: posttls-finger(1), option -L
    ("", Log.NOTHING),
    ("none", Log.NOTHING),
    ("0", Log.NOTHING),
    ("1", Log.SUMMARY),
    ("routine,certmatch", Log.SUMMARY | Log.PEER),
    ("summary peercert", Log.SUMMARY | Log.PEER),
    ("ROUTINE,, \t Untrusted", Log.SUMMARY | Log.UNTRUSTED),
    ("2", DEBUG),
    ("ssl-expert", DEBUG | Log.HANDSHAKE_DUMP),
    ("9", DEBUG | Log.HANDSHAKE_DUMP | Log.SESSION_DUMP),
    ("verbose", Log.PEER | Log.VERBOSE),  # since Postfix 3.6 it prints what certmatch prints, and more
    ("cache,dane", Log.CACHE | Log.DANE),
    ("ssl-debug", Log.DEBUG),
    ("ssl-handshake-packet-dump", Log.HANDSHAKE_DUMP),
    ("ssl-session-packet-dump", Log.SESSION_DUMP),
    ("trace", Log.TRACE),
]


@pytest.mark.parametrize(("text", "kinds"), LISTS)
def test_lists(text: str, kinds: Log) -> None:
    assert parse(text) == (kinds, None)


def test_an_unknown_keyword_makes_the_whole_list_void() -> None:
    assert parse("routine,what,certmatch,ever") == (Log.NOTHING, "what")


@given(st.lists(st.sampled_from(sorted(KEYWORDS))), st.sampled_from([",", " ", ", ", "\t"]))
def test_a_list_is_the_sum_of_its_words(words: list[str], separator: str) -> None:
    total = Log.NOTHING
    for word in words:
        total |= KEYWORDS[word]
    assert parse(separator.join(words)) == (total, None)
