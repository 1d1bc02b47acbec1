"""The reason that explains the verdict of a host."""

import pytest

from results.count.main_reason import main_reason
from scanner.reasons import Reason
from scanner.vocabulary import Dane


@pytest.mark.parametrize(
    ("dane", "reasons", "expected"),
    [
        (Dane.NO_TLS, (Reason.TLS_HANDSHAKE_FAILED, Reason.TLS_LEGACY_ONLY), Reason.TLS_LEGACY_ONLY),
        (Dane.MISMATCH, (Reason.CONNECTION_REFUSED, Reason.TLSA_MISMATCH), Reason.TLSA_MISMATCH),
        (Dane.UNKNOWN, (Reason.HOST_UNREACHABLE, Reason.CONNECT_TIMEOUT), Reason.CONNECT_TIMEOUT),
        (Dane.UNKNOWN, (Reason.HOST_UNREACHABLE,), Reason.HOST_UNREACHABLE),
        ("moon", (), ""),
    ],
)
def test_the_reason_that_explains_most_is_chosen(dane: str, reasons: tuple[str, ...], expected: str) -> None:
    assert main_reason(dane, reasons) == expected
