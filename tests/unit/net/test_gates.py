"""Caps and rates: never exceeded, acquired in one order, and without memory for idle keys."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import cycle, pairwise

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from scanner.core.providers import provider_of
from scanner.net.gates import LATE, Gates, KeyedCap, Spacing, network_of
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


FAST = 1e9  # connections per second: practically no limit


def limits_of(total: int, per_address: int, per_network: int, per_provider: int = 99) -> Caps:
    """Return caps without limits of rate and spacing."""
    return Caps(total, per_address, per_network, per_provider, rate=FAST, spacing=0)


class GateMeter:
    """Many concurrent connections; keeps how many are inside the gates, and when each entered."""

    def __init__(self, caps: Caps) -> None:
        self.gates = Gates(caps)
        self.now: Counter[str] = Counter()
        self.peak: Counter[str] = Counter()
        self.began: list[tuple[float, str]] = []

    async def visit(self, address: str, host: str = "mx.example") -> None:
        async with self.gates.connection(address, host):
            keys = (address, network_of(address), provider_of(host), "total")
            self.began.append((trio.current_time(), address))
            self.now.update(keys)
            self.peak |= self.now
            await trio.sleep(1)
            self.now.subtract(keys)

    async def all(self, addresses: Sequence[str], hosts: Sequence[str] = ("mx.example",)) -> float:
        started = trio.current_time()
        async with trio.open_nursery() as nursery:
            for address, host in zip(addresses, cycle(hosts), strict=False):
                nursery.start_soon(self.visit, address, host)
        return trio.current_time() - started


addresses = st.lists(st.sampled_from([f"192.0.{net}.{host}" for net in (1, 2) for host in (1, 2, 3)]), max_size=30)
caps = st.builds(limits_of, st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(1, 4))
HOSTS = ("mx.a.example", "mx2.a.example", "mx.b.example")


def limit_of(key: str, limits: Caps) -> int:
    if "/" in key:
        return limits.per_network
    if key.endswith("example"):
        return limits.per_provider
    return limits.total if key == "total" else limits.per_address


def metered(addresses: Sequence[str], limits: Caps, hosts: Sequence[str] = HOSTS) -> GateMeter:
    async def run() -> GateMeter:
        meter = GateMeter(limits)
        await meter.all(addresses, hosts)
        return meter

    return trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))


@given(addresses=addresses, limits=caps)
def test_no_cap_is_ever_exceeded(addresses: list[str], limits: Caps) -> None:
    meter = metered(addresses, limits)
    assert {key: count for key, count in meter.peak.items() if count > limit_of(key, limits)} == {}
    assert meter.now.total() == 0
    assert len(meter.began) == len(addresses)


# Tolerance for floating point.
SLACK = 1e-9


@given(
    addresses=addresses,
    limits=st.builds(
        Caps,
        st.integers(1, 9),
        st.integers(1, 3),
        st.integers(1, 9),
        st.integers(1, 9),
        st.sampled_from([0.7, 2.0, 30.0]),
        st.sampled_from([0.0, 0.4, 3.0]),
    ),
)
def test_rate_and_spacing_are_never_exceeded(addresses: list[str], limits: Caps) -> None:
    began = metered(addresses, limits).began
    times = [at for at, _ in began]
    assert all(later - at >= 1 / limits.rate - SLACK for at, later in pairwise(times))
    for address in set(addresses):
        own = [at for at, where in began if where == address]
        assert all(later - at >= limits.spacing - SLACK for at, later in pairwise(own))


@pytest.mark.parametrize(
    ("limits", "visits", "seconds"),
    [
        (Caps(9, 9, 9, 9, rate=10, spacing=0), [f"192.0.{n}.1" for n in range(6)], 0.5 + 1),
        (Caps(9, 9, 9, 9, rate=FAST, spacing=3), ["192.0.2.1"] * 3, 6 + 1),
        (
            Caps(9, 1, 9, 9, rate=FAST, spacing=0.5),
            ["192.0.2.1"] * 3,
            3,
        ),  # one after the other: the spacing has no effect
        (Caps(9, 9, 9, 2, rate=FAST, spacing=0), [f"192.0.{n}.1" for n in range(6)], 3),
    ],
)
async def test_rate_and_spacing_are_used_fully(
    autojump_clock: trio.testing.MockClock, limits: Caps, visits: list[str], seconds: float
) -> None:
    assert await GateMeter(limits).all(visits) == pytest.approx(seconds)


async def test_places_missed_while_the_process_was_stopped_are_not_used_at_once(
    mock_clock: trio.testing.MockClock,
) -> None:
    meter = GateMeter(Caps(99, 99, 99, 99, rate=10, spacing=0))
    async with trio.open_nursery() as nursery:
        for number in range(30):
            nursery.start_soon(meter.visit, f"192.0.{number}.1")
        await trio.testing.wait_all_tasks_blocked()
        mock_clock.jump(2)  # the process was stopped for twenty places of the rate
        for _ in range(60):
            await trio.testing.wait_all_tasks_blocked()
            mock_clock.jump(0.1)
    times = [at for at, _ in meter.began]
    assert len(times) == 30
    assert all(later - at >= 9 / 10 - LATE - SLACK for at, later in zip(times, times[9:], strict=False))


async def test_a_wait_for_the_spacing_holds_no_global_slot(autojump_clock: trio.testing.MockClock) -> None:
    meter = GateMeter(Caps(total=1, per_address=2, per_network=4, rate=FAST, spacing=100))
    async with trio.open_nursery() as nursery:
        for address in ("192.0.2.1", "192.0.2.1", "192.0.3.1"):
            nursery.start_soon(meter.visit, address)
            await trio.sleep(0.1)
    assert meter.began[1][1] == "192.0.3.1"


async def test_cancellation_during_the_wait_for_the_rate_releases_all_slots(
    autojump_clock: trio.testing.MockClock,
) -> None:
    gates = Gates(Caps(total=1, rate=0.1, spacing=0))
    async with gates.connection("192.0.2.1", "mx.example"):
        pass
    with trio.move_on_after(1):
        async with gates.connection("192.0.2.1", "mx.example"):
            raise AssertionError("ten seconds are not over")
    assert len(gates._total) == 0
    assert (len(gates._provider), len(gates._network), len(gates._address), len(gates._turn)) == (0, 0, 0, 0)


def test_addresses_are_forgotten_after_their_spacing() -> None:
    spacing = Spacing(5)
    for at, key in enumerate("abcdefghij"):
        assert spacing.due(key, at) == at
        spacing.began(key, at)
    assert len(spacing) == 5
    assert (spacing.due("j", 9), spacing.due("f", 9), spacing.due("e", 9)) == (14, 10, 9)


@pytest.mark.parametrize(
    ("limits", "visits", "seconds"),
    [
        (limits_of(10, 1, 10), ["192.0.2.1"] * 5, 5),
        (limits_of(10, 2, 10), ["192.0.2.1"] * 5, 3),
        (limits_of(10, 1, 2), [f"192.0.2.{n}" for n in range(6)], 3),
        (limits_of(3, 1, 10), [f"192.0.{n}.1" for n in range(6)], 2),
        (limits_of(10, 1, 1), ["192.0.2.1", "192.0.3.1", "2001:db8::1"], 1),
    ],
)
async def test_caps_are_used_fully(
    autojump_clock: trio.testing.MockClock, limits: Caps, visits: list[str], seconds: float
) -> None:
    assert await GateMeter(limits).all(visits) == pytest.approx(seconds)


async def test_a_wait_for_a_busy_server_holds_no_global_slot(autojump_clock: trio.testing.MockClock) -> None:
    meter = GateMeter(limits_of(total=2, per_address=1, per_network=4))
    # Three connections to one server, then one to another: it would wait if the global slot were acquired first.
    async with trio.open_nursery() as nursery:
        for address in ["192.0.2.1"] * 3 + ["192.0.3.1"]:
            nursery.start_soon(meter.visit, address)
            await trio.sleep(0.1)
        assert meter.now["192.0.3.1"] == 1


async def test_a_wait_for_a_busy_network_holds_no_slot_of_the_address(nursery: trio.Nursery) -> None:
    gates = Gates(limits_of(total=9, per_address=1, per_network=1))
    inside = trio.Event()

    async def hold(address: str) -> None:
        async with gates.connection(address, "mx.example"):
            inside.set()
            await trio.sleep_forever()

    nursery.start_soon(hold, "192.0.2.1")
    await inside.wait()
    nursery.start_soon(hold, "192.0.2.2")
    await trio.testing.wait_all_tasks_blocked()
    assert list(gates._address._held) == ["192.0.2.1"]
    nursery.cancel_scope.cancel()


async def test_idle_keys_take_no_memory() -> None:
    cap = KeyedCap(1)
    async with cap.slot("a"):
        assert len(cap) == 1
    assert len(cap) == 0


async def test_keys_of_cancelled_and_failed_holders_take_no_memory() -> None:
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


async def test_a_slot_is_not_lost_if_the_waiting_tasks_are_cancelled() -> None:
    cap = KeyedCap(1)
    await cap.acquire("a")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(cap.acquire, "a")
        nursery.start_soon(cap.acquire, "a")
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
        cap.release("a")  # they are cancelled but have not run since
    assert len(cap) == 0
    assert not cap._waiting


async def test_a_slot_goes_to_the_task_that_waited_longest() -> None:
    cap, order = KeyedCap(1), []

    async def user(name: str) -> None:
        async with cap.slot("a"):
            order.append(name)

    async with trio.open_nursery() as nursery:
        async with cap.slot("a"):
            for name in "bcd":
                nursery.start_soon(user, name)
                await trio.testing.wait_all_tasks_blocked()
        async with cap.slot("a"):  # a task that comes now is behind them
            order.append("late")
    assert order == ["b", "c", "d", "late"]


async def test_a_trial_is_first_in_each_queue_and_does_not_wait_for_the_rate(
    autojump_clock: trio.testing.MockClock,
) -> None:
    gates = Gates(Caps(total=2, per_address=1, per_network=9, per_provider=9, rate=0.1, spacing=0))
    order: list[tuple[str, float]] = []

    async def connect(name: str, *, trial: bool) -> None:
        async with gates.connection("192.0.2.1", "mx.example.com", trial=trial):
            order.append((name, trio.current_time() - began))
            await trio.sleep(3)

    async with trio.open_nursery() as nursery:
        began = trio.current_time()
        for name in ("first", "second", "third", "trial"):
            nursery.start_soon(partial(connect, name, trial=name == "trial"))
            await trio.testing.wait_all_tasks_blocked()
    # the trial reserves a place of the rate: the third connection is due at 30, not at 20
    assert [(name, round(at)) for name, at in order] == [("first", 0), ("trial", 3), ("second", 20), ("third", 30)]
    assert not gates._address._trials
