"""The table itself: what must hold for it to be a table."""

from collections import Counter
from ipaddress import ip_address, ip_network

import pytest

from scanner.reasons import Reason
from scanner.vocabulary import DomainOutcome, Sender
from tests.lab import cases_sample, cases_sts
from tests.lab.layout import NET_V4, NET_V6, place
from tests.lab.model import Scenario
from tests.lab.scenarios import SCENARIOS

BY_DOMAIN = {scenario.domain: scenario for scenario in SCENARIOS}

NEVER_IN_THE_LAB = {
    # our own doing, not a domain's
    Reason.DNS_INDETERMINATE,
    Reason.ADDRESS_NOT_PUBLIC,
    Reason.ADDRESS_LIMIT,
    Reason.HOST_LIMIT,
    Reason.FAMILY_EXCLUDED,
    Reason.OPTED_OUT,
    Reason.NO_ROUTE,
    Reason.LOCAL_LIMIT,
    Reason.INTERRUPTED,
    Reason.HELD_BACK,
    Reason.INTERNAL,
    Reason.LEVEL_NOT_MET,
    # implied by other expectations or better shown by unit tests
    Reason.MX_TARGET_NO_ADDRESS,
    Reason.MX_TARGET_INVALID,
    Reason.CERTIFICATE_NOT_TRUSTED,
    Reason.CERTIFICATE_WEAK,
    Reason.CERTIFICATE_INVALID,
    Reason.NO_CERTIFICATE,
    Reason.CERTIFICATE_UNDECODABLE_HERE,
    Reason.DH_PRIME_TOO_LARGE,
    Reason.EHLO_TLS_REJECTED,
    Reason.UNREACHABLE,
    Reason.SOME_ADDRESSES_INCONCLUSIVE,
}


def test_names_are_unique() -> None:
    assert [name for name, count in Counter(s.domain for s in SCENARIOS).items() if count > 1] == []
    hosts = Counter(host.name for s in SCENARIOS for host in s.hosts)
    assert [name for name, count in hosts.items() if count > 1] == []
    zones = Counter(origin for s in SCENARIOS for origin in s.all_zones)
    assert [name for name, count in zones.items() if count > 1] == []


def test_every_address_is_given_once_and_inside_the_lab() -> None:
    addresses = [ip_address(placed.address) for placed in place(SCENARIOS)]
    assert len(set(addresses)) == len(addresses)
    assert all(address in ip_network(NET_V4 if address.version == 4 else NET_V6) for address in addresses)


def test_every_reason_has_a_domain() -> None:
    shown = {reason for scenario in SCENARIOS for reason in scenario.expect.reasons}
    shown |= {Reason(code) for each in cases_sts.CASES for code in each.reasons.split()}
    shown.add(cases_sample.REASON)
    assert set(Reason) - shown - NEVER_IN_THE_LAB == set()
    assert shown & NEVER_IN_THE_LAB == set()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.domain)
def test_expectations_do_not_contradict_themselves(scenario: Scenario) -> None:
    """Roll-up rules that hold whatever the case: who delivers is ok, who bounces has no mail."""
    expect = scenario.expect
    delivers = expect.sender in (Sender.VERIFIED, Sender.ENCRYPTED, Sender.CLEARTEXT)
    assert delivers == (expect.outcome is DomainOutcome.OK)
    assert (expect.sender is Sender.BOUNCE) == (expect.outcome is DomainOutcome.NO_MAIL)
    assert scenario.why
    if expect.sender is Sender.VERIFIED:
        # an authenticated delivery must be visible to posttls-finger too, if it gets to the same host
        assert "Verified" in scenario.finger or "Untrusted" in scenario.finger


def test_all_names_are_in_a_zone() -> None:
    for scenario in SCENARIOS:
        origins = tuple(scenario.all_zones)
        for host in scenario.hosts:
            assert any(host.name == o or host.name.endswith("." + o) for o in origins), host.name
