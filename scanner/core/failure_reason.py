"""The mapping from the phase and kind of a failure to a reason code."""

from scanner.core import rebuffs
from scanner.core.dialogue import ReplyClass, reply_class
from scanner.facts import Failure
from scanner.reasons import Reason
from scanner.vocabulary import FailureKind, Phase

_BY_KIND = {
    FailureKind.REFUSED: Reason.CONNECTION_REFUSED,
    FailureKind.UNREACHABLE: Reason.UNREACHABLE,
    FailureKind.RESET: Reason.CONNECTION_RESET,
    FailureKind.CLOSED: Reason.LOST_CONNECTION,
    FailureKind.GARBAGE: Reason.GARBLED_REPLY,
    FailureKind.TOO_LONG: Reason.REPLY_TOO_LONG,
    FailureKind.TLS: Reason.TLS_HANDSHAKE_FAILED,
    FailureKind.HELD_BACK: Reason.HELD_BACK,
    FailureKind.UNDECODABLE: Reason.CERTIFICATE_UNDECODABLE_HERE,
    FailureKind.PRIME_TOO_LARGE: Reason.DH_PRIME_TOO_LARGE,
    FailureKind.RESOURCES: Reason.LOCAL_LIMIT,
    FailureKind.LOCAL: Reason.LOCAL_LIMIT,
    FailureKind.INTERNAL: Reason.INTERNAL,
}

_TIMEOUTS = {
    Phase.CONNECT: Reason.CONNECT_TIMEOUT,
    Phase.GREETING: Reason.GREETING_TIMEOUT,
    Phase.HANDSHAKE: Reason.TLS_TIMEOUT,
}

_LOCAL = (
    FailureKind.UNDECODABLE, FailureKind.PRIME_TOO_LARGE, FailureKind.RESOURCES, FailureKind.LOCAL,
    FailureKind.INTERNAL, FailureKind.HELD_BACK,
)  # fmt: skip

_HANDSHAKE_ENDS = {
    FailureKind.RESET: Reason.TLS_HANDSHAKE_FAILED,
    FailureKind.CLOSED: Reason.TLS_HANDSHAKE_FAILED,
    FailureKind.TOO_LONG: Reason.TLS_MESSAGE_TOO_LONG,
}


def reason_of(failure: Failure) -> Reason:
    """Return the reason code of a failure."""
    if failure.kind is FailureKind.TIMEOUT:
        return _TIMEOUTS.get(failure.phase, Reason.COMMAND_TIMEOUT)
    if failure.kind is FailureKind.REJECTED:
        return _rejected(failure)
    if failure.phase is Phase.HANDSHAKE and failure.kind in _HANDSHAKE_ENDS:
        return _HANDSHAKE_ENDS[failure.kind]
    return _BY_KIND[failure.kind]


def _rejected(failure: Failure) -> Reason:
    if rebuffs.bans_us(failure.code, failure.text):
        return Reason.OUR_ADDRESS_BANNED
    permanent = failure.code is not None and reply_class(failure.code) is ReplyClass.NEVER
    if failure.phase is Phase.GREETING:
        return Reason.GREETING_5XX if permanent else Reason.GREETING_4XX
    if failure.phase is Phase.STARTTLS:
        return Reason.LOST_CONNECTION if failure.code == rebuffs.CLOSING else Reason.STARTTLS_REFUSED
    if failure.phase is Phase.EHLO_TLS:
        return Reason.EHLO_TLS_REJECTED
    if rebuffs.is_policy(failure.code, failure.text):
        return Reason.EHLO_POLICY
    return Reason.EHLO_REJECTED if permanent else Reason.EHLO_4XX


def is_local(failure: Failure) -> bool:
    """Return whether a failure has a local cause and is therefore not a fact about the peer."""
    return failure.kind in _LOCAL
