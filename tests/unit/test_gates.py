"""Caps: never exceeded, passed in one order, and nothing is kept for an idle key."""

from collections import Counter
from collections.abc import Sequence

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from scanner.net.gates import Gates, KeyedCap, network_of
from scanner.settings import Caps


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("192.0.3.1", "192.0.3.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("2001:db8:1:ffff::3", "2001:db8:1::/48"),
        ("/run/lmtp", "/run/lmtp"),
    ],
)
def test_network(address: str, network: str) -> None:
    assert network_of(address) == network


class Meter:
    """Passes the gates with many at once and notes how many are inside."""

    def __init__(self, caps: Caps) -> None:
        self.gates = Gates(caps)
        self.now: Counter[str] = Counter()
        self.peak: Counter[str] = Counter()

    async def visit(self, address: str) -> None:
        async with self.gates.connection(address):
            keys = (address, network_of(address), "total")
            self.now.update(keys)
            self.peak |= self.now
            await trio.sleep(1)
            self.now.subtract(keys)

    async def all(self, addresses: Sequence[str]) -> float:
        started = trio.current_time()
        async with trio.open_nursery() as nursery:
            for address in addresses:
                nursery.start_soon(self.visit, address)
        return trio.current_time() - started


addresses = st.lists(st.sampled_from([f"192.0.{net}.{host}" for net in (1, 2) for host in (1, 2, 3)]), max_size=30)
caps = st.builds(Caps, st.integers(1, 4), st.integers(1, 3), st.integers(1, 3))


@given(addresses=addresses, limits=caps)
def test_no_cap_is_ever_exceeded(addresses: list[str], limits: Caps) -> None:
    async def run() -> Meter:
        meter = Meter(limits)
        await meter.all(addresses)
        return meter

    meter = trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))
    for key, count in meter.peak.items():
        limit = limits.total if key == "total" else limits.per_network if "/" in key else limits.per_address
        assert count <= limit
    assert meter.now.total() == 0


@pytest.mark.parametrize(
    ("limits", "visits", "seconds"),
    [
        (Caps(10, 1, 10), ["192.0.2.1"] * 5, 5),
        (Caps(10, 2, 10), ["192.0.2.1"] * 5, 3),
        (Caps(10, 1, 2), [f"192.0.2.{n}" for n in range(6)], 3),
        (Caps(3, 1, 10), [f"192.0.{n}.1" for n in range(6)], 2),
        (Caps(10, 1, 1), ["192.0.2.1", "192.0.3.1", "2001:db8::1"], 1),
    ],
)
async def test_caps_are_used_to_the_full(
    autojump_clock: trio.testing.MockClock, limits: Caps, visits: list[str], seconds: float
) -> None:
    assert await Meter(limits).all(visits) == seconds


async def test_who_waits_for_a_busy_server_holds_no_global_slot(autojump_clock: trio.testing.MockClock) -> None:
    meter = Meter(Caps(total=2, per_address=1, per_network=4))
    # Three for one server, then one for another: with the global slot taken first it would have to wait.
    async with trio.open_nursery() as nursery:
        for address in ["192.0.2.1"] * 3 + ["192.0.3.1"]:
            nursery.start_soon(meter.visit, address)
            await trio.sleep(0.1)
        assert meter.now["192.0.3.1"] == 1


async def test_who_waits_for_a_busy_network_holds_no_slot_of_the_address(nursery: trio.Nursery) -> None:
    gates = Gates(Caps(total=9, per_address=1, per_network=1))
    inside = trio.Event()

    async def hold(address: str) -> None:
        async with gates.connection(address):
            inside.set()
            await trio.sleep_forever()

    nursery.start_soon(hold, "192.0.2.1")
    await inside.wait()
    nursery.start_soon(hold, "192.0.2.2")
    await trio.testing.wait_all_tasks_blocked()
    assert list(gates._address._slots) == ["192.0.2.1"]
    nursery.cancel_scope.cancel()


async def test_idle_keys_vanish() -> None:
    cap = KeyedCap(1)
    async with cap.slot("a"):
        assert len(cap) == 1
    assert len(cap) == 0


async def test_keys_of_cancelled_and_failed_users_vanish() -> None:
    cap = KeyedCap(1)
    with pytest.raises(ValueError, match="inside"):
        async with cap.slot("a"):
            raise ValueError("inside")
    async with cap.slot("a"):
        with trio.move_on_after(0):
            async with cap.slot("a"):
                raise AssertionError("the slot is taken")
        assert len(cap) == 1
    assert len(cap) == 0
