"""OpenSSL's errors with their numbers. Expected lines: ``openssl errstr`` of OpenSSL 3 for each code."""

import pytest
from OpenSSL import SSL

from scanner.net import tls_errors


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        (("SSL routines", "", "unexpected eof while reading"), "0A000126:SSL routines::unexpected eof while reading"),
        (("SSL routines", "", "wrong version number"), "0A00010B:SSL routines::wrong version number"),
        (("SSL routines", "", "no such reason"), "0A000000:SSL routines::no such reason"),
        (("no such library", "", "reason"), "00000000:no such library::reason"),
    ],
)  # fmt: skip
def test_one_error(entry: tuple[str, str, str], line: str) -> None:
    assert tls_errors.of(SSL.Error([entry])) == (line,)


def test_all_errors_of_the_queue_are_listed_oldest_first() -> None:
    queue = [("SSL routines", "", "wrong version number"), ("SSL routines", "", "no such reason")]
    assert [line[:8] for line in tls_errors.of(SSL.Error(queue))] == ["0A00010B", "0A000000"]


def test_errors_of_a_cause_count() -> None:
    error = RuntimeError("outer")
    error.__cause__ = SSL.Error([("SSL routines", "", "wrong version number")])
    assert len(tls_errors.of(error)) == 1


@pytest.mark.parametrize("error", [SSL.Error(), SSL.ZeroReturnError(), SSL.SysCallError(-1, "EOF"), OSError(5, "x")])
def test_other_errors_have_no_lines(error: Exception) -> None:
    assert tls_errors.of(error) == ()
