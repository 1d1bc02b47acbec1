"""Names and addresses. Expected values are those of Postfix 3.7 valid_hostname() and midna_domain_to_ascii()."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.hostnames import HostNameError, address_text, is_address, is_hostname, parse_address, to_ascii

FLAWS = [
    ("", "it is empty"),
    ("a..b", "empty label (a dot too many)"),
    ("a.", "empty label (a dot too many)"),
    ("a" * 64, "label longer than 63 octets"),
    (".".join(["a" * 63] * 4) + ".b", "longer than 255 octets"),
    ("1.2.3", "digits only"),
    ("-a.b", "label begins or ends with a hyphen"),
    ("a b", "character ' ' is not allowed"),
    ("\u00e9" * 1021, "label longer than 63 octets"),
    (".".join(["\u00e9" + "x" * 50] * 5), "longer than 253 octets"),  # UTS #46 section 4.2, VerifyDnsLength
    ("ab--\u00e9", "label has hyphens in third and fourth place"),
    ("\u00e9.ab--c", "label has hyphens in third and fourth place"),
    ("\u0301a", "label begins with a combining mark"),  # UTS #46 section 4.1, rule 6
    ("xn--a.\u00e9", 'label begins with "xn--" but decodes to nothing valid'),
    ("xn--zz.\u00e9", 'label begins with "xn--" but decodes to nothing valid'),
]


@pytest.mark.parametrize(("name", "flaw"), FLAWS)
def test_flaws_in_plain_words(name: str, flaw: str) -> None:
    with pytest.raises(HostNameError) as caught:
        to_ascii(name)
    assert str(caught.value) == flaw


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("B\u00dcCHER.example", "xn--bcher-kva.example"),
        ("bu\u0308cher.example", "xn--bcher-kva.example"),  # NFD
        ("\U0001f600.example", "xn--e28h.example"),
        ("stra\u00dfe.example", "xn--strae-oqa.example"),  # non-transitional
        ("a\u3002example", "a.example"),  # ideographic full stop
        ("MX.Example", "MX.Example"),
    ],
)
def test_names_in_a_labels(name: str, found: str) -> None:
    assert to_ascii(name) == found


@given(st.text() | st.from_regex(r"[a-z\u00e0-\u00ff.-]{0,80}", fullmatch=True))
def test_the_result_is_a_host_name_and_stays_itself(name: str) -> None:
    try:
        found = to_ascii(name)
    except HostNameError:
        return
    assert is_hostname(found)
    assert to_ascii(found) == found


@given(st.ip_addresses())
def test_addresses_are_read_back(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    found = parse_address(address_text(address))
    assert found == (None if address.version == 4 and address.packed[0] == 0 and int(address) else address)


@given(st.text(alphabet="0123456789abcf:.%/[] ", max_size=50))
def test_no_text_is_both_a_name_and_an_address(text: str) -> None:
    assert not (is_address(text) and is_hostname(text))


def test_a_mapped_address_keeps_its_ipv4_text() -> None:
    assert address_text(ipaddress.ip_address("::ffff:c000:201")) == "::ffff:192.0.2.1"  # RFC 5952 section 5
