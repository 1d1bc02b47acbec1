"""The provider of an MX host, by the public suffix list."""

import pytest

from scanner.core.providers import provider_of


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("mx1.mail.example.com", "example.com"),
        ("example.com", "example.com"),
        ("mx.example.co.uk", "example.co.uk"),
        ("com", "com"),
        ("co.uk", "co.uk"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
def test_the_registrable_domain_is_the_provider(host: str, provider: str) -> None:  # publicsuffix.org, ICANN section
    assert provider_of(host) == provider
