"""Grades, protocols and groups. Expected ranges: what Debian's posttls-finger 3.7.11 negotiated or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from scanner.finger.tls_offer import NOTHING, OfferError, bits, groups, profile, versions
from scanner.net.tls import context_for

Range = tuple[str | None, str | None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (None, None)),
        (" ,: ", (None, None)),
        (">=TLSv1", ("TLSv1", None)),
        (">=TLSv1.2,<=TLSv1.2", ("TLSv1.2", "TLSv1.2")),
        (">=none <=none", (None, None)),
        (">=", (None, None)),
        (">= TLSv1.2", ("TLSv1.2", "TLSv1.2")),  # an empty bound, then a name
        ("<=0303", (None, "TLSv1.2")),
        ("<=0x303", (None, "TLSv1.2")),
        (">=0x0304", ("TLSv1.3", None)),
        (">=0305", (None, None)),  # no such version: the bound cannot be set
        (">=TLSv1.3:>=TLSv1.2", ("TLSv1.2", None)),  # the last one holds
        ("TLSv1.2", ("TLSv1.2", "TLSv1.2")),
        ("tlsv1.2", ("TLSv1.2", "TLSv1.2")),
        ("!SSLv2,!SSLv3", (None, None)),
        ("SSLv2", (None, None)),
        ("!SSLv2", (None, None)),
        ("!TLSv1.3", (None, "TLSv1.2")),
        ("!TLSv1", ("TLSv1.1", None)),
        ("!TLSv1.2", (None, "TLSv1.1")),  # a hole: what lies above is given up
        ("TLSv1,TLSv1.2", (None, "TLSv1")),
        (">=TLSv1.2,!TLSv1.3", ("TLSv1.2", "TLSv1.2")),
        (">=SSLv3", (None, None)),
    ],
)
def test_protocol_lists(text: str, expected: Range) -> None:
    assert versions(text) == expected


@pytest.mark.parametrize(
    "text",
    ["!TLSv1,!TLSv1.1,!TLSv1.2,!TLSv1.3", "SSLv3", "<=SSLv3", ">=TLSv1.3 TLSv1.2", "<=TLSv1.2,TLSv1.3", "<=0300"],
)
def test_nothing_left_is_an_offer_that_openssl_refuses_to_begin_with(text: str) -> None:
    lowest, highest = versions(text)
    assert (lowest, highest) == NOTHING
    connection = SSL.Connection(context_for(profile("medium", text, {}, must_match=False)), None)
    connection.set_connect_state()
    with pytest.raises(SSL.Error, match="no protocols available"):
        connection.do_handshake()


@pytest.mark.parametrize("text", ["none", "TLSv1.4", "!", ">=SSLv2", ">=x", "<=-303", ">=TLSv1.2,foo", ">=0_303"])
def test_an_unknown_word_voids_the_list(text: str) -> None:
    with pytest.raises(OfferError) as caught:
        versions(text)
    assert str(caught.value) == f'Invalid TLS protocol list "{text}": aborting TLS session'


@given(st.text(max_size=20))
def test_any_protocol_list_is_read_or_refused(text: str) -> None:
    try:
        lowest, highest = versions(text)
    except OfferError:
        return
    assert {lowest, highest} <= {None, "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}


_X = "!SEED:!IDEA:!3DES:!RC2:!RC4:!RC5:!kDH:!kECDH:!aDSS:!MD5"


@pytest.mark.parametrize(
    ("grade", "security_level", "ciphers"),
    [
        ("high", 1, f"aNULL:-aNULL:HIGH:{_X}:@STRENGTH:!aNULL"),
        ("MEDIUM", 0, f"aNULL:-aNULL:HIGH:MEDIUM:{_X}:+RC4:@STRENGTH:!eNULL"),
        ("low", 1, f"aNULL:-aNULL:HIGH:MEDIUM:{_X}:+RC4:@STRENGTH:!aNULL"),
        ("export", 1, f"aNULL:-aNULL:HIGH:MEDIUM:{_X}:+RC4:@STRENGTH:!aNULL"),
        ("Null", 1, "eNULL:!kDH:!kECDH:!aDSS:!MD5:!aNULL:!aNULL"),
    ],
)
def test_grades_of_postfix_3_8_and_later(grade: str, security_level: int, ciphers: str) -> None:
    made = profile(grade, "", {}, must_match=security_level == 1)
    assert (made.ciphers, made.security_level) == (ciphers, security_level)


def test_main_cf_overrides_a_grade() -> None:
    assert profile("low", "", {"tls_medium_cipherlist": "AES128-SHA"}, must_match=True).ciphers == "AES128-SHA:!aNULL"


@pytest.mark.parametrize("grade", ["", "best", "medium "])
def test_an_unknown_grade_is_refused(grade: str) -> None:
    with pytest.raises(OfferError) as caught:
        profile(grade, "", {}, must_match=True)
    assert str(caught.value) == f'invalid cipher grade: "{grade}"'


def test_without_parameters_the_library_chooses_the_groups() -> None:
    assert groups({"tls_eecdh_auto_curves": "", "tls_ffdhe_auto_groups": ""}) == []
    assert profile("medium", "", {}, must_match=True).groups is None


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"tls_eecdh_auto_curves": "prime256v1, X25519"}, "prime256v1:X25519:ffdhe2048:ffdhe3072"),
        ({"tls_eecdh_auto_curves": "X448", "tls_ffdhe_auto_groups": "ffdhe4096"}, "X448:ffdhe4096"),
        (
            {"tls_ffdhe_auto_groups": "ffdhe2048"},
            "X25519MLKEM768:X25519:X448:prime256v1:secp384r1:secp521r1:ffdhe2048",
        ),
    ],
)
def test_groups_of_main_cf(parameters: dict[str, str], expected: str) -> None:
    assert profile("medium", "", parameters, must_match=True).groups == expected


@pytest.mark.parametrize(
    ("name", "text", "expected", "complaint"),
    [
        ("tls_ssl_options", "", 0, []),
        ("tls_ssl_options", "no_ticket, NO_COMPRESSION", SSL.OP_NO_TICKET | SSL.OP_NO_COMPRESSION, []),
        ("tls_ssl_options", "0x4000", SSL.OP_NO_TICKET, []),
        ("tls_ssl_options", "NO_TICKET foo", 0, ['warning: unknown tls_ssl_options value "foo" in "NO_TICKET foo"']),
        ("tls_disable_workarounds", "DONT_INSERT_EMPTY_FRAGMENTS", SSL.OP_DONT_INSERT_EMPTY_FRAGMENTS, []),
        ("tls_disable_workarounds", "foo", 0, ['warning: unknown tls_disable_workarounds value "foo" in "foo"']),
    ],
)
def test_option_bits_of_main_cf(name: str, text: str, expected: int, complaint: list[str]) -> None:
    assert bits({name: text}, name) == (expected, complaint)


def test_option_bits_reach_the_context() -> None:
    parameters = {"tls_ssl_options": "NO_TICKET", "tls_disable_workarounds": "TLSEXT_PADDING"}
    plain = context_for(profile("medium", "", {}, must_match=True)).set_options(0)
    other = context_for(profile("medium", "", parameters, must_match=True)).set_options(0)
    assert plain ^ other == SSL.OP_NO_TICKET | 1 << 4
