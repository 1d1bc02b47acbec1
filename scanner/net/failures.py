"""Classification of exceptions as ``Failure`` values.

Only this module interprets exceptions of the operating system, of trio and of OpenSSL. An exception that matches no
rule of this module is a bug of mxsweep. The exception ``trio.Cancelled`` is never classified, because
``trio.Cancelled`` is not an ``Exception``.
"""

import errno
import os
from typing import TYPE_CHECKING

import trio

from scanner.facts import Failure
from scanner.vocabulary import FailureKind, Phase

if TYPE_CHECKING:
    from OpenSSL import SSL

TEXT_LIMIT = 500
"""Maximum number of characters in a failure's text; OpenSSL's error queue has at most 16 short entries."""

_UNDECODABLE = ("SSL routines", "", "ASN1 lib")
"""OpenSSL's error for a certificate that OpenSSL cannot decode; its release determines the decodable encodings."""

_LIMIT_OF_OURS = "the TLS library of this scanner cannot decode the server's certificate"


class LimitExceededError(Exception):
    """Error: the peer sent more octets than a limit allows; the message names the limit."""


class PrimeTooLargeError(Exception):
    """Error: the scanner refuses a Diffie-Hellman prime, which would take too much processor time."""

    def __init__(self, bits: int, largest: int | None) -> None:
        super().__init__(f"the server's Diffie-Hellman prime has {bits} bits; this scanner refuses more than {largest}")


class GnuTLSError(Exception):
    """A violation of TLS or an alert of the peer in a connection of GnuTLS; the message contains GnuTLS's text."""


class BindError(OSError):
    """Error: the local address given by the user could not be used; this is never a failure of the peer."""


_KIND_OF_OURS: dict[type[BaseException], FailureKind] = {
    LimitExceededError: FailureKind.TOO_LONG,
    PrimeTooLargeError: FailureKind.PRIME_TOO_LARGE,
    GnuTLSError: FailureKind.TLS,
}
_KINDS = {
    FailureKind.REFUSED: ("ECONNREFUSED",),
    # the kernel reports ICMP and ICMPv6 errors by these numbers; EACCES is ICMPv6 "administratively prohibited"
    FailureKind.UNREACHABLE: (
        *("ENETUNREACH", "EHOSTUNREACH", "ENETDOWN", "EHOSTDOWN", "ENONET"),
        *("ENOPROTOOPT", "EPROTO", "EOPNOTSUPP", "EACCES"),
        "EINVAL",  # an address that the kernel refuses, such as a link-local address without an interface
    ),
    FailureKind.RESET: ("ECONNRESET", "EPIPE", "ECONNABORTED", "ENOTCONN"),
    FailureKind.TIMEOUT: ("ETIMEDOUT",),
    # EADDRNOTAVAIL of a connect without bind: every local port is in use
    FailureKind.RESOURCES: ("EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EADDRNOTAVAIL", "EAGAIN"),
}
_KIND_OF = {getattr(errno, name): kind for kind, names in _KINDS.items() for name in names if hasattr(errno, name)}

_TOO_LONG_REASON = "excessive message size"
"""OpenSSL's error reason for a handshake message above OpenSSL's own limit (100 KiB for a certificate chain)."""


def failure_of(exc: BaseException, phase: Phase) -> Failure:  # noqa: PLR0911 - one return for each rule
    """Return the failure of a phase for an exception; its text is cut at ``TEXT_LIMIT`` characters."""
    from OpenSSL import SSL  # noqa: PLC0415 - a single probe sends its first packet before it imports TLS

    match exc:
        case trio.BrokenResourceError(__cause__=OSError() as cause):
            return failure_of(cause, phase)
        case trio.BrokenResourceError():
            return _system(errno.ECONNRESET, FailureKind.RESET, phase)
        case trio.TooSlowError():
            return timed_out(phase)
        case EOFError() | SSL.ZeroReturnError() | SSL.SysCallError():  # the end of a stream, with memory BIOs
            return Failure(phase, FailureKind.CLOSED)
        case LimitExceededError() | PrimeTooLargeError() | GnuTLSError():
            return Failure(phase, _KIND_OF_OURS[type(exc)], text=str(exc)[:TEXT_LIMIT])
        case SSL.Error():
            return _tls(exc, phase)
        case BindError():
            return _system(exc.errno or 0, FailureKind.LOCAL, phase)
        case OSError(errno=int() as number):
            return _system(number, _KIND_OF.get(number, FailureKind.LOCAL), phase)
        case _:
            return Failure(phase, FailureKind.INTERNAL, text=repr(exc)[:TEXT_LIMIT])


def timed_out(phase: Phase) -> Failure:
    """Return the failure of a phase whose deadline passed, with the operating system's text for a timeout."""
    return _system(errno.ETIMEDOUT, FailureKind.TIMEOUT, phase)


def _system(number: int, kind: FailureKind, phase: Phase) -> Failure:
    return Failure(phase, kind, number, os.strerror(number))


def _tls(exc: "SSL.Error", phase: Phase) -> Failure:
    """Return the failure for a TLS error.

    The text of the failure joins all reasons of OpenSSL's error queue, oldest first.
    """
    queue = exc.args[0] if exc.args and isinstance(exc.args[0], list) else []
    reasons = [reason or function or library for library, function, reason in queue]
    text = "; ".join(reasons)
    if _UNDECODABLE in queue:
        kind, text = FailureKind.UNDECODABLE, f"{_LIMIT_OF_OURS}: {text}"
    else:
        kind = FailureKind.TOO_LONG if _TOO_LONG_REASON in reasons else FailureKind.TLS
    return Failure(phase, kind, text=text[:TEXT_LIMIT])
