"""Whether a resolver on loopback validates itself, from its address, its version and its configuration."""

import pytest

from scanner.core.forwarders import Stub, is_loopback, joint, row, validation_of
from scanner.core.preflight import State
from scanner.vocabulary import Validation

ITSELF, PASSES_ON, UNKNOWN = Validation.ITSELF, Validation.PASSES_ON, Validation.UNKNOWN


@pytest.mark.parametrize(
    ("stub", "expected"),
    [
        (Stub("127.0.0.11"), PASSES_ON),  # Docker's embedded server has no validator
        (Stub("127.0.0.11", "unbound 1.17.1"), PASSES_ON),  # it forwards version.bind too
        (Stub("127.0.0.53"), UNKNOWN),  # the default of DNSSEC= is chosen when systemd is built
        (Stub("127.0.0.53", resolved="[Resolve]\n#DNSSEC=yes\n"), UNKNOWN),
        (Stub("127.0.0.53", resolved="[Resolve]\nDNSSEC=yes\n"), ITSELF),
        (Stub("127.0.0.53", resolved="[Resolve]\nDNSSEC = True\n"), ITSELF),
        (Stub("127.0.0.53", resolved="DNSSEC=yes\nDNSSEC=no\n"), PASSES_ON),  # resolved.conf(5): the last one counts
        (Stub("127.0.0.53", resolved="DNSSEC=allow-downgrade\n"), UNKNOWN),
        (Stub("127.0.0.54", resolved="DNSSEC=yes\n"), PASSES_ON),  # systemd-resolved(8): proxy mode
        (Stub("127.0.0.1", "dnsmasq-2.90"), UNKNOWN),
        (Stub("127.0.0.1", "dnsmasq-2.90", dnsmasq="no-resolv\nproxy-dnssec\n"), PASSES_ON),
        (Stub("127.0.0.1", "dnsmasq-2.90", dnsmasq="#proxy-dnssec\n dnssec\n"), ITSELF),
        (Stub("127.0.0.1", "dnsmasq-2.90", dnsmasq="dnssec-check-unsigned\n"), UNKNOWN),
        (Stub("127.0.0.1", "CoreDNS-1.11.1"), PASSES_ON),
        (Stub("127.0.0.1", "unbound 1.17.1"), ITSELF),
        (Stub("::1", "9.18.24-1-Debian"), ITSELF),
        (Stub("127.0.0.1", "PowerDNS Recursor 4.8.8"), ITSELF),
        (Stub("127.0.0.1", "go away"), UNKNOWN),
        (Stub("127.0.0.1"), UNKNOWN),
    ],
)
def test_who_validates(stub: Stub, expected: Validation) -> None:
    assert validation_of(stub)[0] is expected


def test_rows() -> None:
    assert row("127.0.0.1:53", ITSELF, "unbound 1.17.1").text == "itself (unbound 1.17.1)"
    assert {state: row("x", state, "").state for state in Validation} == {
        ITSELF: State.OK,
        PASSES_ON: State.WARN,
        UNKNOWN: State.OK,
    }
    assert "docs/resolvers.md" in row("x", PASSES_ON, "").advice


def test_several_resolvers() -> None:
    assert joint([ITSELF, UNKNOWN, PASSES_ON]) is PASSES_ON
    assert joint([ITSELF, UNKNOWN]) is UNKNOWN
    assert joint([ITSELF, ITSELF]) is ITSELF
    assert joint([]) is UNKNOWN


@pytest.mark.parametrize(
    ("address", "expected"), [("127.0.0.53", True), ("::1", True), ("192.0.2.1", False), ("fe80::1%eth0", False)]
)
def test_loopback(address: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    assert is_loopback(address) is expected
