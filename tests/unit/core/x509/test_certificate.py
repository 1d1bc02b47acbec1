"""Certificates taken apart: hostile octets raise the one error, and the slices are those of OpenSSL."""

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from scanner.core.x509 import certificate as working
from scanner.core.x509 import der, keys
from scanner.core.x509.facts import facts


@given(st.binary(max_size=300))
def test_arbitrary_octets_raise_nothing_but_der_error(octets: bytes) -> None:
    for reader in (working.parse, working.spki, keys.key, keys.algorithm):
        with suppress(der.DERError):
            reader(octets)
    assert facts(octets).der == octets
