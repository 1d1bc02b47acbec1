"""Policies (RFC 8461 section 3.2) and the comparison with their patterns (section 4.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.core.sts.policy_file import MAX_AGE, Patterns, PolicyError, parse_policy

EXAMPLE = "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n"
"""The example of RFC 8461 section 3.2, shortened."""


@pytest.mark.parametrize(
    ("old", "new", "defects"),
    [
        ("", "", ""),
        ("\r\n", "\n", ""),  # mail-in-a-box#1861: LF is accepted
        ("604800\r\n", "604800", ""),  # the last line end is optional
        (": ", ":", ""),
        (": ", ":\t ", ""),
        ("\r\n", " \t\r\n", ""),
        ("mx: mail", "mx: MAIL", ""),
        ("mode: enforce", "new_field: any:thing\u00e4\r\nmode: enforce", ""),  # unknown fields are ignored
        ("mode: enforce", "x:\r\nmode: enforce", ""),
        ("mode: enforce", "mode: enforce\r\nmode: none", "duplicate-field"),  # the first counts
        ("max_age: 604800", "max_age: 604800\r\nmax_age: 1", "duplicate-field"),
        ("mode: enforce", "\r\nmode: enforce", "blank-line"),
        ("604800\r\n", "604800\r\n\r\n", "blank-line"),
        ("mode: enforce", "x: \udcff\r\nmode: enforce", "not-utf-8"),
    ],
)
def test_forms_of_one_policy(old: str, new: str, defects: str) -> None:
    found = parse_policy(EXAMPLE.replace(old, new).encode("utf-8", "surrogateescape"))
    assert (found.mode, found.mx, found.max_age) == ("enforce", ("mail.example.com", "*.example.net"), 604_800)
    assert " ".join(found.defects) == defects


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("version: STSv1\r\n", "", "version is missing"),
        ("STSv1", "STSv2", "version is not STSv1"),
        ("STSv1", "stsv1", "version is not STSv1"),
        ("version", "Version", "version is missing"),  # names have a case
        ("mode: enforce\r\n", "", "mode is missing"),
        ("enforce", "Enforce", "'Enforce' is not a mode"),
        ("enforce", "report", "'report' is not a mode"),  # the name of a draft
        ("enforce", "", "'' is not a mode"),
        ("max_age: 604800\r\n", "", "max_age is missing"),
        ("604800", "1d", "'1d' is not a max_age"),
        ("604800", "-1", "'-1' is not a max_age"),
        ("604800", "+1", "'+1' is not a max_age"),
        ("604800", "12345678901", "'12345678901' is not a max_age"),  # ten digits at most
        ("604800", "\u0661", "'\u0661' is not a max_age"),
        ("604800", "6_0", "'6_0' is not a max_age"),
        (
            "mx: mail.example.com\r\nmx: *.example.net\r\n",
            "",
            "mx is missing, which mode enforce requires",
        ),  # tlspol#95
        ("mx: mail.example.com\r\nmx: *.example.net\r\n", "mx:\r\n", "mx is missing, which mode enforce requires"),
        ("mode: enforce", "mode enforce", "'mode enforce' is not a field"),
        ("mode: enforce", "mode : enforce", "'mode : enforce' is not a field"),
        ("mode: enforce", " mode: enforce", "' mode: enforce' is not a field"),
        ("version", "\ufeffversion", "'\\ufeffversion: STSv1' is not a field"),
        ("mode: enforce", "# a comment\r\nmode: enforce", "'# a comment' is not a field"),
        ("enforce\r\n", "enforce\r", "'enforce\\rmx: mail.example.com' is not a mode"),  # CR alone is no line end
        (EXAMPLE, "", "version is missing"),
        (EXAMPLE, "<!DOCTYPE html>", "'<!DOCTYPE html>' is not a field"),
    ],
)
def test_texts_that_are_no_policy(old: str, new: str, reason: str) -> None:
    with pytest.raises(PolicyError) as error:
        parse_policy(EXAMPLE.replace(old, new).encode())
    assert str(error.value) == reason


@pytest.mark.parametrize(
    ("seconds", "age", "defects"),
    [
        ("86400", 86_400, ""),
        ("86399", 86_399, "max-age-short"),  # smtp-sts#207
        ("0", 0, "max-age-short"),
        ("31557600", MAX_AGE, ""),
        ("31557601", MAX_AGE, "max-age-capped"),
        ("9999999999", MAX_AGE, "max-age-capped"),
    ],
)
def test_max_age(seconds: str, age: int, defects: str) -> None:
    found = parse_policy(EXAMPLE.replace("604800", seconds).encode())
    assert (found.max_age, " ".join(found.defects)) == (age, defects)


@pytest.mark.parametrize("mode", ["none", "testing", "enforce"])
def test_only_mode_none_needs_no_mx(mode: str) -> None:
    text = f"version: STSv1\nmode: {mode}\nmax_age: 86400\n".encode()
    if mode == "none":
        assert parse_policy(text).mx == ()
    else:
        with pytest.raises(PolicyError, match="mx is missing"):
            parse_policy(text)


@pytest.mark.parametrize(
    ("pattern", "defect"),
    [
        ("mail.example.com", ""),
        ("*.example.com", ""),
        ("xn--mxa.example", ""),
        ("192.0.2.1", "mx-address"),  # Zuplu/postfix-tlspol#70
        ("2001:db8::1", "mx-address"),
        ("[192.0.2.1]", "mx-address"),
        ("mail.example.com.", "mx-not-a-name"),
        ("mail.*.example", "mx-not-a-name"),
        ("m*.example", "mx-not-a-name"),
        ("*", "mx-not-a-name"),
        ("*.", "mx-not-a-name"),
        (".example.com", "mx-not-a-name"),
        ("m\u00fcx.example", "mx-not-a-name"),
        ("10 mail.example.com", "mx-not-a-name"),
        ("mail.example.com:25", "mx-not-a-name"),
    ],
)
def test_defects_of_patterns(pattern: str, defect: str) -> None:
    found = parse_policy(EXAMPLE.replace("*.example.net", pattern).encode())
    assert " ".join(found.defects) == defect
    assert not defect or not Patterns([pattern]).match(pattern)


@pytest.mark.parametrize(
    ("host", "matches"),
    [
        ("mail.example.com", True),
        ("MAIL.example.COM", True),
        ("other.example.com", False),
        ("a.example.net", True),
        ("A.Example.Net", True),
        ("example.net", False),  # RFC 8461 section 4.1: one label, not none
        ("a.b.example.net", False),  # and not two: smtp-sts#184
        ("aexample.net", False),
        (".example.net", False),
        ("*.example.net", True),  # no MX host has this name
        ("net", False),
        ("", False),
    ],
)
def test_patterns(host: str, matches: bool) -> None:  # noqa: FBT001 - a row
    assert Patterns(["mail.example.com", "*.example.net"]).match(host) is matches


def test_many_patterns_cost_no_time_for_each_host() -> None:
    body = "version: STSv1\nmode: enforce\nmax_age: 86400\n" + "".join(f"mx: m{n}.x\n" for n in range(10_000))
    patterns = Patterns(parse_policy(body.encode()).mx)
    assert all(patterns.match(f"m{n}.x") for n in range(10_000))


LINES = st.sampled_from(
    ["version: STSv1", "mode: enforce", "mode: none", "mx: a.b", "mx:", "max_age: 86400", "max_age: x", "", "x", "a: b"]
)


@given(st.one_of(st.binary(max_size=200), st.lists(LINES, max_size=8).map(lambda lines: "\n".join(lines).encode())))
def test_any_octets_are_a_policy_or_an_error(body: bytes) -> None:
    try:
        found = parse_policy(body)
    except PolicyError:
        return
    assert 0 <= found.max_age <= MAX_AGE
    assert found.mx or found.mode == "none"


def test_the_patterns_that_list_a_host() -> None:
    patterns = Patterns(["a.test", "*.test", "b.other", "192.0.2.1"])
    assert patterns.listing(["A.test", "192.0.2.1"]) == {"a.test", "*.test"}
    assert patterns.listing([]) == frozenset()
