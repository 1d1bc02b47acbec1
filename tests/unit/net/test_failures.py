"""The classification of exceptions as failures."""

import errno

import pytest
import trio
from OpenSSL import SSL

from scanner.facts import Failure
from scanner.net.failures import TEXT_LIMIT, BindError, LimitExceededError, PrimeTooLargeError, failure_of, timed_out
from scanner.vocabulary import FailureKind, Phase

K = FailureKind


def system(number: int) -> OSError:
    return OSError(number, "a text that is not used")


def broken(number: int) -> trio.BrokenResourceError:
    """Return what trio's SocketStream raises for an error of a system call."""
    exc = trio.BrokenResourceError()
    exc.__cause__ = system(number)
    return exc


# texts: glibc's strerror, as posttls-finger prints them
CASES: list[tuple[BaseException, FailureKind, int | None, str]] = [
    (system(errno.ECONNREFUSED), K.REFUSED, errno.ECONNREFUSED, "Connection refused"),
    (system(errno.ENETUNREACH), K.UNREACHABLE, errno.ENETUNREACH, "Network is unreachable"),
    (system(errno.EHOSTUNREACH), K.UNREACHABLE, errno.EHOSTUNREACH, "No route to host"),
    (system(errno.EACCES), K.UNREACHABLE, errno.EACCES, "Permission denied"),
    (system(errno.EINVAL), K.UNREACHABLE, errno.EINVAL, "Invalid argument"),  # a link-local address, RFC 4007 section 6
    (system(errno.ECONNRESET), K.RESET, errno.ECONNRESET, "Connection reset by peer"),
    (system(errno.ETIMEDOUT), K.TIMEOUT, errno.ETIMEDOUT, "Connection timed out"),
    (system(errno.EMFILE), K.RESOURCES, errno.EMFILE, "Too many open files"),
    (system(errno.EADDRNOTAVAIL), K.RESOURCES, errno.EADDRNOTAVAIL, "Cannot assign requested address"),
    (system(errno.EPERM), K.LOCAL, errno.EPERM, "Operation not permitted"),
    (system(errno.ENOENT), K.LOCAL, errno.ENOENT, "No such file or directory"),
    (BindError(errno.EADDRNOTAVAIL, "x"), K.LOCAL, errno.EADDRNOTAVAIL, "Cannot assign requested address"),
    (broken(errno.ECONNRESET), K.RESET, errno.ECONNRESET, "Connection reset by peer"),
    (broken(errno.EPIPE), K.RESET, errno.EPIPE, "Broken pipe"),
    (broken(errno.EHOSTUNREACH), K.UNREACHABLE, errno.EHOSTUNREACH, "No route to host"),
    (trio.BrokenResourceError("closed"), K.RESET, errno.ECONNRESET, "Connection reset by peer"),
    (trio.TooSlowError(), K.TIMEOUT, errno.ETIMEDOUT, "Connection timed out"),
    (EOFError(), K.CLOSED, None, ""),
    (SSL.ZeroReturnError(), K.CLOSED, None, ""),
    (SSL.SysCallError(-1, "Unexpected EOF"), K.CLOSED, None, ""),
    (LimitExceededError("more than 9 octets"), K.TOO_LONG, None, "more than 9 octets"),
    (
        PrimeTooLargeError(10_000, 4096),
        K.PRIME_TOO_LARGE,
        None,
        "the server's Diffie-Hellman prime has 10000 bits; this scanner refuses more than 4096",
    ),
    (SSL.Error([("SSL routines", "", "wrong version number")]), K.TLS, None, "wrong version number"),
    (SSL.Error([("a", "", "one"), ("b", "", "two")]), K.TLS, None, "one; two"),
    (SSL.Error([("SSL routines", "", "")]), K.TLS, None, "SSL routines"),
    (SSL.Error([("SSL routines", "", "excessive message size")]), K.TOO_LONG, None, "excessive message size"),
    (
        SSL.Error([("asn1 encoding routines", "", "utctime is too short"), ("SSL routines", "", "ASN1 lib")]),
        K.UNDECODABLE,
        None,
        "the TLS library of this scanner cannot decode the server's certificate: utctime is too short; ASN1 lib",
    ),
    (SSL.Error(), K.TLS, None, ""),
    (ValueError("x"), K.INTERNAL, None, "ValueError('x')"),
    (trio.ClosedResourceError(), K.INTERNAL, None, "ClosedResourceError()"),
    (OSError("no number"), K.INTERNAL, None, "OSError('no number')"),
]


@pytest.mark.parametrize(("exc", "kind", "code", "text"), CASES, ids=lambda v: repr(v)[:40])
def test_failure_of(exc: BaseException, kind: FailureKind, code: int | None, text: str) -> None:
    assert failure_of(exc, Phase.EHLO) == Failure(Phase.EHLO, kind, code, text)


def test_texts_have_a_limit() -> None:
    reasons = [("SSL routines", "", "unsupported")] * 200
    assert len(failure_of(SSL.Error(reasons), Phase.HANDSHAKE).text) == TEXT_LIMIT
    assert len(failure_of(RuntimeError("x" * 9999), Phase.QUIT).text) == TEXT_LIMIT


def test_a_deadline_has_the_text_of_a_timeout() -> None:
    assert timed_out(Phase.CONNECT) == failure_of(system(errno.ETIMEDOUT), Phase.CONNECT)
