import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.core.names import canonical, is_address, is_hostname, tlsa_name

# Expected values: the host names that posttls-finger takes (Postfix valid_hostname()); RFC 1123 section 2.1.
HOSTNAMES = [
    ("example.com", True),
    ("a", True),
    ("MX1.Example.COM", True),
    ("_25._tcp.mx.example", True),
    ("a_b.example", True),
    ("1.2.3.4a", True),
    ("123.example", True),
    ("1-2", True),
    ("xn--bcher-kva.example", True),
    ("a" * 63 + ".example", True),
    (".".join(["a" * 62] * 4), True),
    (".".join(["a" * 63] * 4), True),
    (".".join(["a" * 63] * 4) + ".a", False),
    ("a" * 64 + ".example", False),
    ("", False),
    (".", False),
    ("example.com.", False),
    (".example.com", False),
    ("a..b", False),
    ("-a.example", False),
    ("a-.example", False),
    ("a.-b", False),
    ("1.2.3.4", False),
    ("12345", False),
    ("b\u00fccher.example", False),
    ("a b.example", False),
    ("a\n", False),
    ("example.com\n", False),
    ("*.example.com", False),
    ("a\\.b.example", False),
    ("::1", False),
]


@pytest.mark.parametrize(("name", "valid"), HOSTNAMES)
def test_hostnames(name: str, valid: bool) -> None:  # noqa: FBT001 - a column of the table
    assert is_hostname(name) is valid


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("Example.COM.", "example.com"),
        ("example.com", "example.com"),
        (".", "."),
        ("", ""),
        ("a\\.", "a\\."),
    ],
)
def test_canonical_names_are_lower_case_without_the_final_dot(name: str, spelled: str) -> None:
    assert canonical(name) == spelled


@given(st.from_regex(r"[A-Za-z0-9._-]{0,40}", fullmatch=True))
def test_spelling_a_name_twice_changes_nothing_more(name: str) -> None:
    if not name.endswith(".."):
        assert canonical(canonical(name)) == canonical(name)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", True),
        ("2001:db8::1", True),
        ("::ffff:192.0.2.1", True),
        ("192.0.2", False),
        ("192.0.2.01", False),
        ("192.0.2.0/24", False),
        ("[::1]", False),
        ("fe80::1%eth0", False),
        ("mx.example", False),
        ("", False),
    ],
)
def test_addresses(text: str, address: bool) -> None:  # noqa: FBT001 - a column of the table
    assert is_address(text) is address


def test_tlsa_owner_name() -> None:  # RFC 6698 section 3
    assert tlsa_name("mx.example", 25) == "_25._tcp.mx.example"
