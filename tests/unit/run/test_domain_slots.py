"""The slots of a domain: their number, shared hosts and addresses, cancellation, and the limit of evidence."""

from dataclasses import replace

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from scanner.facts import Endpoint
from scanner.run import domain_slots
from scanner.run.domain_slots import DomainSlots, HostDomains, SlotRequest
from scanner.vocabulary import Mode
from tests.unit.fakes import V4, shakes
from tests.unit.pki import CHAIN

PROBE = shakes()(Endpoint(V4, 25, None, Mode.SMTP, "authenticated"))


def full(limit: int = 1) -> DomainSlots:
    slots = DomainSlots(limit)
    for _ in range(limit):
        assert slots.take()
    return slots


def test_no_more_slots_than_the_limit() -> None:
    slots = full(3)
    assert not slots.take()
    slots.release()
    assert slots.take()
    assert not slots.take()


def test_a_probe_takes_the_slot_of_whichever_domain_has_a_free_slot() -> None:
    busy, idle = full(), DomainSlots(1)
    host = HostDomains(busy)
    assert host.take() is None
    host.add(idle)
    assert host.take() is idle
    assert host.take() is None


async def test_released_slots_go_to_the_probes_that_have_waited_longest(autojump_clock: MockClock) -> None:
    slots, order = full(), []

    async def probe(number: int) -> None:
        request = SlotRequest()
        request.add(HostDomains(slots))
        assert await request.wait() is slots
        order.append(number)
        await trio.sleep(1)
        slots.release()

    async with trio.open_nursery() as nursery:
        for number in range(3):
            nursery.start_soon(probe, number)
            await wait_all_tasks_blocked()
        slots.release()
    assert order == [0, 1, 2]
    assert trio.current_time() == pytest.approx(3)  # one after the other
    assert slots.take()  # all slots have been returned


async def test_a_waiting_probe_takes_the_slot_of_a_domain_that_comes_later() -> None:
    busy, later = full(), DomainSlots(1)
    host = HostDomains(busy)
    request = SlotRequest()
    request.add(host)
    assert request.is_open
    host.add(later)
    assert await request.wait() is later
    busy.release()  # must not grant the request a second time
    assert busy.take()
    assert not later.take()
    assert not host.requests


async def test_an_address_of_two_hosts_takes_the_slot_of_a_domain_of_the_other_host() -> None:
    busy, idle = full(), DomainSlots(1)
    request = SlotRequest()
    request.add(HostDomains(busy))
    request.add(HostDomains(idle))
    assert await request.wait() is idle


async def test_a_domain_of_an_added_host_lends_no_slot_to_other_addresses_of_the_first_host() -> None:
    busy, idle = full(), DomainSlots(9)
    first = HostDomains(busy)
    shared, other = SlotRequest(), SlotRequest()
    shared.add(first)
    other.add(first)
    shared.add(HostDomains(idle))
    assert (shared.is_open, other.is_open) == (False, True)


async def test_a_cancelled_probe_keeps_no_slot(autojump_clock: MockClock) -> None:
    slots = full()
    host = HostDomains(slots)
    with trio.move_on_after(1):
        request = SlotRequest()
        request.add(host)
        await request.wait()
    assert not host.requests
    slots.release()
    assert slots.take()


async def test_a_probe_cancelled_with_its_slot_returns_the_slot() -> None:
    slots = full()
    with trio.CancelScope() as scope:
        request = SlotRequest()
        request.add(HostDomains(slots))
        scope.cancel()
        slots.release()  # grants the slot; the cancellation comes first
        await request.wait()
        slots.release()
    assert slots.take()


def test_transcripts_are_kept_up_to_the_limit_of_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = sum(len(made.der) for made in CHAIN)
    monkeypatch.setattr(domain_slots, "EVIDENCE", 3 * chain + 100)
    slots = DomainSlots(1)
    long = replace(PROBE, probe=replace(PROBE.probe, transcript=("x" * 60,)))
    assert [slots.keeps(long) for _ in range(3)] == [True, True, False]  # certificates are always kept
    assert DomainSlots(1).keeps(long)
