"""Shared work: done once for all askers, also if one of them is cancelled."""

from collections.abc import Awaitable, Callable
from functools import partial

import pytest
import trio
import trio.testing

from scanner.net import single_flight
from scanner.net.error_groups import root_cause
from scanner.net.single_flight import SingleFlight, gather


class SlowWork:
    """Work that counts its calls and waits for the event ``go``."""

    def __init__(self, error: Exception | None = None) -> None:
        self.calls = 0
        self.go = trio.Event()
        self.error = error

    async def __call__(self) -> str:
        self.calls += 1
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return f"result {self.calls}"


async def ask(flights: SingleFlight[str, str], work: Callable[[], Awaitable[str]], results: list[object]) -> None:
    try:
        results.append(await flights.get("key", work))
    except RuntimeError as error:
        results.append(error)


async def test_many_askers_share_one_call() -> None:
    flights: SingleFlight[str, str] = SingleFlight()
    work, results = SlowWork(), list[object]()
    async with trio.open_nursery() as askers:
        for _ in range(10):
            askers.start_soon(ask, flights, work, results)
        await trio.testing.wait_all_tasks_blocked()
        assert results == []
        work.go.set()
    await ask(flights, work, results)  # a later asker gets the remembered result
    assert results == ["result 1"] * 11
    assert (work.calls, len(flights)) == (1, 1)


async def test_each_key_has_its_own_work() -> None:
    flights: SingleFlight[str, str] = SingleFlight()

    async def of(key: str) -> str:
        return await flights.get(key, lambda: _immediate(key))

    assert await gather(["a", "b", "a"], of) == ["a", "b", "a"]
    assert len(flights) == 2


async def _immediate(value: str) -> str:
    await trio.lowlevel.checkpoint()
    return value


@pytest.mark.parametrize("cancelled", ["first", "second"])
async def test_a_cancelled_asker_does_not_affect_the_others(cancelled: str) -> None:
    flights: SingleFlight[str, str] = SingleFlight()
    work, results = SlowWork(), list[object]()
    scopes = {"first": trio.CancelScope(), "second": trio.CancelScope()}

    async def asker(name: str) -> None:
        with scopes[name]:
            await ask(flights, work, results)

    async with trio.open_nursery() as askers:
        for name in scopes:
            askers.start_soon(asker, name)
            await trio.testing.wait_all_tasks_blocked()
        scopes[cancelled].cancel()
        await trio.testing.wait_all_tasks_blocked()
        work.go.set()
    calls = {"first": 2, "second": 1}[cancelled]  # the second asker does the work if the first is cancelled
    assert (results, work.calls) == ([f"result {calls}"], calls)


async def test_an_error_is_raised_to_all_askers() -> None:
    flights: SingleFlight[str, str] = SingleFlight()
    work, results = SlowWork(ValueError("no")), list[object]()
    async with trio.open_nursery() as askers:
        for _ in range(3):
            askers.start_soon(ask, flights, work, results)
        work.go.set()
    await ask(flights, work, results)
    assert work.calls == 1
    assert [repr(root_cause(error)) for error in results if isinstance(error, Exception)] == ["ValueError('no')"] * 4


async def test_cancelled_work_leaves_no_result() -> None:
    flights: SingleFlight[str, str] = SingleFlight()
    async with trio.open_nursery() as askers:
        askers.start_soon(ask, flights, SlowWork(), [])
        await trio.testing.wait_all_tasks_blocked()
        askers.cancel_scope.cancel()
    assert ("key" in flights, len(flights)) == (False, 0)
    assert await flights.get("key", lambda: _immediate("anew")) == "anew"


async def test_one_waiting_asker_takes_over_and_the_others_wait_for_it() -> None:
    flights: SingleFlight[str, str] = SingleFlight()
    work, results = SlowWork(), list[object]()
    first = trio.CancelScope()

    async def leaving() -> None:
        with first:
            await ask(flights, work, results)

    async with trio.open_nursery() as askers:
        askers.start_soon(leaving)
        await trio.testing.wait_all_tasks_blocked()
        for _ in range(3):
            askers.start_soon(ask, flights, work, results)
        await trio.testing.wait_all_tasks_blocked()
        first.cancel()
        await trio.testing.wait_all_tasks_blocked()
        work.go.set()
    assert (results, work.calls) == (["result 2"] * 3, 2)


async def test_the_results_used_last_are_remembered() -> None:
    flights: SingleFlight[str, str] = SingleFlight(limit=2)
    worked: list[str] = []

    async def ask_for(key: str) -> None:
        async def work() -> str:
            worked.append(key)
            return await _immediate(key)

        assert await flights.get(key, work) == key

    for key in "abacab":
        await ask_for(key)
    assert "".join(worked) == "abcb", "when c came, a had been used later than b"
    assert len(flights) == 2


async def test_work_in_flight_is_never_forgotten() -> None:
    flights: SingleFlight[str, str] = SingleFlight(limit=1)
    work, results = SlowWork(), list[object]()
    async with trio.open_nursery() as askers:
        askers.start_soon(ask, flights, work, results)
        await trio.testing.wait_all_tasks_blocked()
        for key in "abc":
            await flights.get(key, lambda: _immediate("other"))
        askers.start_soon(ask, flights, work, results)
        await trio.testing.wait_all_tasks_blocked()
        work.go.set()
    assert (results, work.calls) == (["result 1"] * 2, 1)


async def test_waiting_askers_get_a_result_that_is_not_remembered() -> None:
    flights: SingleFlight[str, str] = SingleFlight(limit=0)
    work, results = SlowWork(), list[object]()
    async with trio.open_nursery() as askers:
        for _ in range(3):
            askers.start_soon(ask, flights, work, results)
        await trio.testing.wait_all_tasks_blocked()
        work.go.set()
    assert (results, work.calls, len(flights)) == (["result 1"] * 3, 1, 0)


async def test_with_limit_0_later_askers_do_the_work_again() -> None:
    flights: SingleFlight[str, str] = SingleFlight(limit=0)
    assert await flights.get("key", lambda: _immediate("first")) == "first"
    assert await flights.get("key", lambda: _immediate("second")) == "second"


async def test_work_for_a_stored_result_is_not_done_again() -> None:
    asked: list[str] = []

    def load(key: str) -> str | None:
        asked.append(key)
        return {"a": "stored"}.get(key)

    flights: SingleFlight[str, str] = SingleFlight(limit=2, load=load)
    for _ in range(2):
        assert "a" in flights
        assert await flights.get("a", lambda: _immediate("anew")) == "stored"
    assert "b" not in flights
    assert await flights.get("b", lambda: _immediate("anew")) == "anew"
    assert asked == ["a", "b", "b"], "remembered results are not loaded"


async def test_a_result_can_be_taken_without_work() -> None:
    flights: SingleFlight[str, str] = SingleFlight(load={"stored": "earlier"}.get)
    seen: list[str | None] = []

    async def work() -> str:
        seen.append(flights.kept("key"))  # in flight
        return "done"

    async def fails() -> str:
        raise ZeroDivisionError

    await flights.get("key", work)
    with pytest.raises(RuntimeError):
        await flights.get("broken", fails)
    names = ("key", "stored", "unknown", "broken")
    assert (seen, [flights.kept(name) for name in names]) == ([None], ["done", "earlier", None, None])


async def test_gather_keeps_the_order_of_the_items(autojump_clock: trio.testing.MockClock) -> None:
    async def slow_first(item: int) -> int:
        await trio.sleep(10 - item)
        return item * item

    started = trio.current_time()
    assert await gather(range(5), slow_first) == [0, 1, 4, 9, 16]
    assert trio.current_time() - started == 10  # all at once


async def test_gather_of_one_item_starts_no_task() -> None:
    async def task(_: str) -> trio.lowlevel.Task:
        await trio.lowlevel.checkpoint()
        return trio.lowlevel.current_task()

    assert await gather(["one"], task) == [trio.lowlevel.current_task()]


async def test_gather_of_no_items() -> None:
    assert await gather([], _immediate) == []


async def test_gather_with_a_limit_begins_in_order_and_keeps_the_order(autojump_clock: trio.testing.MockClock) -> None:
    active, most, begun = 0, 0, []

    async def work(number: int) -> int:
        nonlocal active, most
        begun.append(number)
        active += 1
        most = max(most, active)
        await trio.sleep(10 - number)
        active -= 1
        return number * number

    assert await gather(range(7), work, 3) == [number * number for number in range(7)]
    assert (most, begun[3:]) == (3, [3, 4, 5, 6])
    assert sorted(begun[:3]) == [0, 1, 2]


async def test_large_results_are_remembered_up_to_a_number_of_octets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_flight, "OCTETS", 100)
    done: list[int] = []

    async def work(key: int) -> int:
        await trio.lowlevel.checkpoint()
        done.append(key)
        return key

    flights = SingleFlight[int, int](weigh=lambda value: value if value >= 10 else 0)
    for key in (1, 40, 50, 2, 30):  # 40 is forgotten for 30: 120 octets are too many
        await flights.get(key, partial(work, key))
    assert [key for key in (1, 2, 30, 40, 50) if key in flights] == [1, 2, 30, 50]
    await flights.get(500, partial(work, 500))  # a result beyond the limit replaces all others, but is kept
    assert [key for key in (1, 2, 30, 50, 500) if key in flights] == [1, 2, 500]
    assert flights.forget(lambda value: value == 500) == [500]
    assert done == [1, 40, 50, 2, 30, 500]
