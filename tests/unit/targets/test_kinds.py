"""Kinds of text that stand in the place of a list of domains."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.kinds import Accept, ListKind, accepted, dominant, hint, host_of, kind_of

KINDS = [
    ("https://a.example/", ListKind.URL),
    ("//a.example", ListKind.URL),
    ("a@b.example", ListKind.EMAIL),
    ("Max <a@b.example>", ListKind.EMAIL),
    ("mailto:a@b.example", ListKind.EMAIL),
    ("0.0.0.0 a.example", ListKind.HOSTS),
    ("::1\tlocalhost", ListKind.HOSTS),
    ("a.example. 3600 IN MX 10 mx", ListKind.ZONE),
    ("a.example.\t86400\tin\tns\tns1.x.", ListKind.ZONE),
    ("    IN NS ns1", ListKind.ZONE),
    ("@ IN 1d SOA a b 1 2 3 4 5", ListKind.ZONE),
    ("$ORIGIN test.", ListKind.ZONE),
    ("a.example dane-only", ListKind.POLICY),
    (".a.example secure match=nexthop", ListKind.POLICY),
    ('{"domain": "a.example"}', ListKind.JSON),
    ("||a.example^", ListKind.ADBLOCK),
    ("www.a.example/x?y", ListKind.URL),
    ("a.example:8080/", ListKind.URL),
    ("a.example", None),
    ("A.Example.:25", None),
    ("[mx.a.example]", None),
    ("192.0.2.1", None),
    ("1,a.example", None),
    ("a.example,dane", None),
    ("a.example bank", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "kind"), KINDS)
def test_kinds(text: str, kind: ListKind | None) -> None:
    assert kind_of(text) is kind
    assert (hint(text) != "") is (kind is not None or text in ("", "a.example bank"))


@given(st.text())
def test_every_text_has_a_kind_or_none(text: str) -> None:
    kind_of(text)
    hint(text)
    host_of(text, frozenset(Accept))


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("https://a.example/x?y#z", "a.example"),
        ("http://user:pass@a.example:8080", "a.example"),  # RFC 3986 section 3.2
        ("//a.example", "a.example"),
        ("http://[2001:db8::1]:80/", "[2001:db8::1]"),
        ("https://a.example?q", "a.example"),
        ("a@b.example", "b.example"),
        ('"Max, M." <a@b.example>', "b.example"),  # RFC 5322 section 3.4
        ("mailto:a@b.example", "b.example"),
        ("a.example:25", "a.example:25"),
    ],
)
def test_the_host_is_taken(text: str, host: str) -> None:
    assert host_of(text, frozenset(Accept)) == host
    assert host_of(text, frozenset()) == text


def test_accepting_one_kind_only() -> None:
    assert host_of("a@b.example", {Accept.URLS}) == "a@b.example"
    assert accepted(ListKind.URL, {Accept.URLS})
    assert not accepted(ListKind.EMAIL, {Accept.URLS})
    assert not accepted(ListKind.ZONE, frozenset(Accept))


def test_over_half_decides() -> None:
    url, name = "https://a.example", "a.example"
    assert dominant([url, url, name]) is ListKind.URL
    assert dominant([url, name]) is None
    assert dominant([url, "a@b.example", name]) is None
    assert dominant([]) is None
