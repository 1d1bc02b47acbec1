"""Which reason code a failure comes to: RFC 5321 section 4.2.1 for replies; the rest is our own vocabulary."""

import pytest

from scanner.core.failure_reason import is_local, reason_of
from scanner.facts import Failure
from scanner.reasons import TLSRPT, Reason
from scanner.vocabulary import FailureKind, Phase


@pytest.mark.parametrize(
    ("phase", "kind", "code", "reason"),
    [
        ("connect", "refused", 111, "connection-refused"),
        ("connect", "timeout", None, "connect-timeout"),
        ("connect", "unreachable", 113, "unreachable"),
        ("connect", "reset", 104, "connection-reset"),
        ("connect", "resources", 24, "local-limit"),
        ("connect", "local", 13, "local-limit"),
        ("greeting", "timeout", None, "greeting-timeout"),
        ("greeting", "rejected", 421, "greeting-4xx"),
        ("greeting", "rejected", 554, "greeting-5xx"),
        ("greeting", "rejected", 354, "greeting-4xx"),  # odd: not known to be for good
        ("greeting", "rejected", 601, "greeting-4xx"),
        ("greeting", "closed", None, "lost-connection"),
        ("greeting", "garbage", None, "garbled-reply"),
        ("greeting", "too-long", None, "reply-too-long"),
        ("ehlo", "timeout", None, "command-timeout"),
        ("ehlo", "rejected", 450, "ehlo-4xx"),
        ("ehlo", "rejected", 502, "ehlo-rejected"),
        ("ehlo", "rejected", 601, "ehlo-4xx"),
        ("starttls", "rejected", 454, "starttls-refused"),
        ("starttls", "rejected", 502, "starttls-refused"),
        ("starttls", "rejected", 421, "lost-connection"),  # closing down is no word on TLS
        ("handshake", "tls", None, "tls-handshake-failed"),
        ("handshake", "closed", None, "tls-handshake-failed"),
        ("handshake", "reset", None, "tls-handshake-failed"),
        ("handshake", "timeout", None, "tls-timeout"),
        ("handshake", "too-long", None, "tls-message-too-long"),
        ("handshake", "undecodable", None, "certificate-undecodable-here"),
        ("ehlo-tls", "rejected", 550, "ehlo-tls-rejected"),
        ("ehlo-tls", "rejected", 450, "ehlo-tls-rejected"),
        ("ehlo-tls", "closed", None, "lost-connection"),
        ("ehlo-tls", "timeout", None, "command-timeout"),
        ("quit", "internal", None, "internal"),
    ],
)
def test_reason(phase: str, kind: str, code: int | None, reason: str) -> None:
    assert reason_of(Failure(Phase(phase), FailureKind(kind), code)) == reason


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("kind", FailureKind)
@pytest.mark.parametrize("code", [None, 0, 199, 421, 550, 999])
def test_every_failure_has_a_reason(phase: Phase, kind: FailureKind, code: int | None) -> None:
    assert reason_of(Failure(phase, kind, code)) in Reason


def test_only_what_came_before_tls_can_be_a_lack_of_starttls() -> None:
    for kind in FailureKind:
        for phase in (Phase.EHLO_TLS, Phase.QUIT, Phase.HANDSHAKE):
            reason = reason_of(Failure(phase, kind, 550)) if kind is not FailureKind.REJECTED else None
            assert reason is None or reason.tlsrpt is not TLSRPT.STARTTLS_NOT_SUPPORTED
    refused = reason_of(Failure(Phase.EHLO_TLS, FailureKind.REJECTED, 550))
    assert refused.tlsrpt is None


@pytest.mark.parametrize("kind", FailureKind)
def test_what_is_our_own(kind: FailureKind) -> None:
    causes = {
        FailureKind.UNDECODABLE: Reason.CERTIFICATE_UNDECODABLE_HERE,
        FailureKind.PRIME_TOO_LARGE: Reason.DH_PRIME_TOO_LARGE,
        FailureKind.RESOURCES: Reason.LOCAL_LIMIT,
        FailureKind.LOCAL: Reason.LOCAL_LIMIT,
        FailureKind.INTERNAL: Reason.INTERNAL,
        FailureKind.HELD_BACK: Reason.HELD_BACK,
    }
    assert is_local(Failure(Phase.CONNECT, kind)) == (kind in causes)
    if kind in causes:
        assert reason_of(Failure(Phase.HANDSHAKE, kind)) is causes[kind]
