"""The provider of an MX host, by the public suffix list."""

import pytest
from publicsuffixlist import PublicSuffixList

from scanner.core import providers
from scanner.core.providers import provider_of


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("mx1.mail.example.com", "example.com"),
        ("example.com", "example.com"),
        ("mx.example.co.uk", "example.co.uk"),
        ("com", "com"),
        ("co.uk", "co.uk"),
        ("mx.example.kawasaki.jp", "mx.example.kawasaki.jp"),  # rule *.kawasaki.jp
        ("mx.city.kawasaki.jp", "city.kawasaki.jp"),  # rule !city.kawasaki.jp
        ("mx.example.xn--55qx5d.cn", "example.xn--55qx5d.cn"),  # a rule with letters outside ASCII
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
def test_the_registrable_domain_is_the_provider(host: str, provider: str) -> None:  # publicsuffix.org, ICANN section
    assert provider_of(host) == provider


def test_every_rule_of_the_library_is_used() -> None:
    ours, library = providers._suffixes(), PublicSuffixList()
    assert ours._publicsuffix == {rule for rule in library._publicsuffix if rule.isascii()}
