"""The server name of a probe (RFC 7672 section 8.1)."""

from dataclasses import replace

import pytest

from scanner.core.sni import server_name
from scanner.facts import TLSALookup
from scanner.reasons import Reason
from scanner.vocabulary import Dane, Level, Unusable
from tests.unit import pki

RECORD = pki.tlsa(3, 1, 1, pki.LEAF)

BASE = "mx1.secure.test"


USABLE = TLSALookup(BASE, (RECORD,), None, None)


ABSENT = TLSALookup(BASE, (), Dane.NONE, Reason.TLSA_NONE)


UNSIGNED = TLSALookup(BASE, (RECORD,), Dane.NONE, Reason.TLSA_INSECURE)


INSECURE_HOST = TLSALookup(BASE, (), Dane.INSECURE, Reason.HOST_INSECURE)


BY_PARSER = TLSALookup(
    BASE, (replace(RECORD, unusable=Unusable.PRIVATE_MATCHING_TYPE),), Dane.UNUSABLE, Reason.TLSA_UNUSABLE_DATA
)


LOOKUP_FAILED = TLSALookup(BASE, (), Dane.LOOKUP_FAILED, Reason.TLSA_BOGUS)


BY_OPENSSL = TLSALookup(
    BASE, (replace(RECORD, unusable=Unusable.DIGEST_LENGTH),), Dane.UNUSABLE, Reason.TLSA_UNUSABLE_DATA
)


DANE_LEVELS = (Level.DANE, Level.DANE_ONLY, Level.HALF_DANE)


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize(
    ("lookup", "at_dane"),
    [
        (USABLE, BASE),
        (BY_OPENSSL, BASE),
        (BY_PARSER, None),
        (ABSENT, None),
        (UNSIGNED, None),
        (INSECURE_HOST, None),
        (LOOKUP_FAILED, None),
        (None, None),
    ],
)
def test_the_server_name_is_the_base_domain_of_published_records(
    level: Level, lookup: TLSALookup | None, at_dane: str | None
) -> None:  # RFC 7672 section 8.1; without TLSA, postconf(5) smtp_tls_servername is empty
    expected = at_dane if level in DANE_LEVELS else None
    assert server_name(level, lookup) == expected
    assert server_name(level, lookup, host="mx9.secure.test") == expected


@pytest.mark.parametrize("level", [Level.MAY, Level.DANE])
@pytest.mark.parametrize(
    ("choice", "host", "expected"),
    [("mx", "mx9.secure.test", "mx9.secure.test"), ("mx", "192.0.2.1", None), ("none", "mx9.secure.test", None)],
)
def test_the_server_name_that_the_user_chose(level: Level, choice: str, host: str, expected: str | None) -> None:
    assert server_name(level, USABLE, choice=choice, host=host) == expected
