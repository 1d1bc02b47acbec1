"""Names: rules observed with posttls-finger and OpenSSL 3.0 (X509_check_host), one row each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.core.matching import MANY, ComparedNames, match_name, matched_peername, presented_names
from scanner.facts import CertFacts


def cert(*dns: str, cns: tuple[str, ...] = (), odd: tuple[str, ...] = ()) -> CertFacts:
    return CertFacts("", "", "", "", b"", dns_names=dns, subject_cns=cns, odd_names=odd)


MATCHES = [
    ("mx.example.com", "mx.example.com"),
    ("MX.Example.com", "mx.eXample.COM"),  # RFC 4343
    ("mx.example.com", "*.example.com"),  # RFC 6125 section 6.4.3
    ("MX.example.com", "*.EXAMPLE.com"),
    ("xn--bcher-kva.example.com", "*.example.com"),  # an A-label is one label
    ("-.example.com", "*.example.com"),  # letters, digits, hyphen: no more is asked
    ("*.example.com", "*.example.com"),  # a literal star equals itself
    (".example.com", "a.example.com"),
    (".example.com", "a.b.example.com"),  # suffixes of any depth
    (".example.com", "*.example.com"),  # the star taken literally
    (".example.com", ".example.com"),
    (".example.com", "a_b.example.com"),
    (".com", "example.com"),
    ("192.0.2.1", "192.0.2.1"),  # an address is a plain name (OpenSSL 4)
    ("a_b.example.com", "a_b.example.com"),
]

MISSES = [
    ("mx.example.com", "example.com"),
    ("example.com", "*.example.com"),  # the star stands for at least one character
    (".example.com", "*.com"),
    ("a.b.example.com", "*.example.com"),  # one label only
    ("a_b.example.com", "*.example.com"),  # no underscore below a star
    ("example.com", "*.com"),  # two dots must follow the star
    ("foo.example.com", "f*.example.com"),  # partial wildcards are off
    ("foo.example.com", "*o.example.com"),
    ("a.b.example.com", "a.*.example.com"),
    ("a.b.example.com", "*.*.example.com"),
    ("a.-b.example.com", "*.-b.example.com"),  # the rest must be proper labels
    ("a.b-.example.com", "*.b-.example.com"),
    ("a.b_c.example.com", "*.b_c.example.com"),
    ("a.example.com.", "*.example.com."),
    ("mx.example.com.", "mx.example.com"),  # a final dot is not stripped
    ("mx.example.com", "mx.example.com."),
    (".example.com", "example.com"),
    (".example.com", "badexample.com"),
    ("mx.example.com", "mx.example.com\0.evil.test"),
    ("mx.example.com\0", "mx.example.com\0"),
    (".evil.test", "mx.example.com\0.evil.test"),
    ("", ""),
    (".", "a."),
    ("k.example.com", "\u212a.example.com"),  # KELVIN SIGN lower-cases to k in Unicode
    ("a.example.com\n", "*.example.com"),
]


@pytest.mark.parametrize(("reference", "presented"), MATCHES)
def test_match(reference: str, presented: str) -> None:
    assert match_name(reference, presented)


@pytest.mark.parametrize(("reference", "presented"), MISSES)
def test_no_match(reference: str, presented: str) -> None:
    assert not match_name(reference, presented)


def test_cn_counts_only_without_any_dns_san() -> None:
    assert presented_names(cert("a.example", cns=("cn.example",))) == ("a.example",)
    assert presented_names(cert(cns=("one.example", "two.example"))) == ("one.example", "two.example")
    assert presented_names(cert(cns=("cn.example",), odd=("email:a@b.example",))) == ("cn.example",)
    assert presented_names(cert(cns=("cn.example",), odd=("dns:a\\x00.example",))) == ()


def test_a_name_with_a_space_matches_like_any_other() -> None:
    """Expected: X509_check_host of OpenSSL 3.0, which accepts any octet below a suffix (reference with a dot)."""
    found = cert("other.test", odd=("dns:a b.example.com",))
    assert matched_peername(found, [".example.com"]) == "a b.example.com"
    assert matched_peername(found, ["b.example.com"]) is None


def test_first_hit_in_reference_order_then_certificate_order() -> None:
    leaf = cert("b.example.com", "*.example.com", "a.example.com")
    assert matched_peername(leaf, ("a.example.com", "b.example.com")) == "*.example.com"
    assert matched_peername(leaf, ("b.example.com",)) == "b.example.com"
    assert matched_peername(leaf, ("no.test", "b.example.com")) == "b.example.com"
    assert matched_peername(leaf, ("no.test",)) is None
    assert matched_peername(leaf, ()) is None


labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
hosts = st.lists(labels, min_size=3, max_size=6).map(".".join)


@given(hosts)
def test_a_host_matches_itself_its_wildcard_and_its_suffixes(host: str) -> None:
    _first, rest = host.split(".", 1)
    assert match_name(host, host.upper())
    assert match_name(host, f"*.{rest}")
    assert match_name(f".{rest}", host)
    assert not match_name(f"x.{host}", f"*.{rest}")
    assert not match_name(rest, f"*.{rest}")
    assert not match_name(host, f"{host}\0")


small = st.text("abK*.-_\u212a\n\0", max_size=8)


@given(st.lists(small, max_size=6), small)
def test_many_names_are_looked_up_with_the_same_result(names: list[str], reference: str) -> None:
    several = cert(*names)
    many = cert(*names, *(f"filler{number}.test" for number in range(MANY)))
    assert matched_peername(many, (reference,)) == matched_peername(several, (reference,))


@given(st.lists(small, max_size=3), st.lists(small, max_size=3), st.lists(small, max_size=3))
def test_the_names_of_several_certificates_match_like_those_of_each(
    names: list[str], others: list[str], domains: list[str]
) -> None:
    """Expected: the comparison of each certificate with each domain and with the suffix of the domain."""
    certs = [cert(*names, odd=("dns:A b.a",)), cert(*others)]
    expected = any(matched_peername(each, (name, "." + name)) for each in certs for name in domains)
    assert ComparedNames(certs).match(domains) == expected


def test_a_domain_is_named_by_itself_a_name_below_it_or_a_wildcard() -> None:
    names = ComparedNames([cert("Mx.a.example"), cert("*.b.example", cns=("c.example",))])
    found = [name for name in ("a.example", "MX.A.example", "x.B.example", "b.example") if names.match([name])]
    assert found == ["a.example", "MX.A.example", "x.B.example", "b.example"]
    assert not names.match(["x.mx.a.example", "x.y.b.example", "c.example", "other.test"])


def test_the_first_of_many_names_that_matches_is_returned() -> None:
    filler = tuple(f"filler{number}.test" for number in range(MANY))
    leaf = cert(*filler, "*.Example.com", "a.example.com", "b.example.com")
    assert matched_peername(leaf, ("no.test", "A.example.com")) == "*.Example.com"
    assert matched_peername(leaf, (".example.com",)) == "*.Example.com"
    assert matched_peername(leaf, ("a_b.example.com", "")) is None


@given(st.text(max_size=40), st.text(max_size=40))
def test_arbitrary_texts_never_raise_and_case_does_not_count(reference: str, presented: str) -> None:
    ascii_upper = "".join(c.upper() if c.isascii() else c for c in reference)
    assert match_name(reference, presented) == match_name(ascii_upper, presented)
