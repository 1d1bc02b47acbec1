"""What becomes of STARTTLS at an address, in words."""

import pytest

from results.paper.facts import STARTTLS_CLASSES, furthest, starttls_class
from scanner.facts import Probe
from scanner.model import EndpointReport
from scanner.vocabulary import (
    FailureKind,
    Phase,
)
from tests.unit import records
from tests.unit.results.paper.runs import NOT_OFFERED, failed


@pytest.mark.parametrize(
    ("probe", "expected"),
    [
        (records.probe(), "TLS established"),
        (NOT_OFFERED, "not offered"),
        (failed(Phase.CONNECT, FailureKind.REFUSED), "TCP refused"),
        (failed(Phase.CONNECT, FailureKind.TIMEOUT), "TCP timeout"),
        (failed(Phase.CONNECT, FailureKind.UNREACHABLE), "TCP unreachable"),
        (failed(Phase.CONNECT, FailureKind.LOCAL), "failure of ours"),
        (failed(Phase.GREETING, FailureKind.REJECTED, 421), "greeting 4xx"),
        (failed(Phase.GREETING, FailureKind.REJECTED, 554), "greeting 55x"),
        (failed(Phase.GREETING, FailureKind.TIMEOUT), "no greeting (tarpit)"),
        (failed(Phase.EHLO, FailureKind.REJECTED, 502), "EHLO 50x"),
        (failed(Phase.EHLO, FailureKind.REJECTED, 571), "EHLO 5xx"),
        (failed(Phase.EHLO, FailureKind.TIMEOUT), "timeout after greeting"),
        (failed(Phase.STARTTLS, FailureKind.REJECTED, 454), "STARTTLS 4xx"),
        (failed(Phase.HANDSHAKE, FailureKind.TLS), "TLS failed"),
        (failed(Phase.HANDSHAKE, FailureKind.TIMEOUT), "TLS timeout"),
        (failed(Phase.GREETING, FailureKind.CLOSED), "connection lost"),
        (failed(Phase.GREETING, FailureKind.GARBAGE), "garbled reply"),
    ],
)
def test_what_became_of_starttls(probe: Probe, expected: str) -> None:
    found = starttls_class(EndpointReport("192.0.2.1", (probe,)))
    assert found == expected
    assert found in STARTTLS_CLASSES
    assert furthest([found, "no address"], "") == found
