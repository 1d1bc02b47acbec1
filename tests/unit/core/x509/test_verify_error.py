"""Error numbers: names of OpenSSL's header, words of OpenSSL 3, which OpenSSL 4 changed for one of them."""

import pytest
from OpenSSL._util import ffi, lib

from scanner.core.x509.verify_error import NAME_ERRORS, VerifyError, text_of

CHANGED = {VerifyError.CERT_NOT_YET_VALID: "certificate is not yet valid or the system clock is incorrect"}


@pytest.mark.parametrize("error", VerifyError)
def test_words_are_those_of_openssl(error: VerifyError) -> None:
    said = ffi.string(lib.X509_verify_cert_error_string(error)).decode()
    assert said == CHANGED.get(error, error.text)


@pytest.mark.parametrize("error", VerifyError)
def test_numbers_are_those_of_openssl(error: VerifyError) -> None:
    assert getattr(lib, f"X509_V_ERR_{error.name}", error) == error


def test_an_unknown_number_has_words_too() -> None:
    assert text_of(10) == "certificate has expired"
    assert text_of(999) == "certificate verification error 999"
    assert VerifyError.PERMITTED_VIOLATION in NAME_ERRORS
