"""Cipher grades are lists that OpenSSL accepts (smtp_tls_ciphers of postconf(5))."""

import pytest
from OpenSSL import SSL

from scanner.cipher_grades import GRADES


@pytest.mark.parametrize("grade", ["high", "medium"])
def test_openssl_accepts_the_list_of_a_grade(grade: str) -> None:
    parameter, ciphers = GRADES[grade]
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_cipher_list(ciphers.encode())
    names = SSL.Connection(context).get_cipher_list()
    assert parameter == f"tls_{grade}_cipherlist"
    assert names
    assert not [name for name in names if "NULL" in name or "RC2" in name]
