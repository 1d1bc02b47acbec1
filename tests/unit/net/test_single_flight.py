"""Shared work: done once, whoever asks, whoever goes away; and errors found at the bottom of it all."""

from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing

from scanner.net.single_flight import SingleFlight, gather, leaf, origin


class Work:
    """Counts its calls; waits until it is let go."""

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


async def ask(once: SingleFlight[str, str], work: Callable[[], Awaitable[str]], results: list[object]) -> None:
    try:
        results.append(await once.get("key", work))
    except RuntimeError as error:
        results.append(error)


async def test_many_askers_one_call() -> None:
    once: SingleFlight[str, str] = SingleFlight()
    work, results = Work(), list[object]()
    async with trio.open_nursery() as askers:
        for _ in range(10):
            askers.start_soon(ask, once, work, results)
        await trio.testing.wait_all_tasks_blocked()
        assert results == []
        work.go.set()
    await ask(once, work, results)  # and who comes late
    assert results == ["result 1"] * 11
    assert (work.calls, len(once)) == (1, 1)


async def test_each_key_has_its_own_work() -> None:
    once: SingleFlight[str, str] = SingleFlight()

    async def of(key: str) -> str:
        return await once.get(key, lambda: _immediate(key))

    assert await gather(["a", "b", "a"], of) == ["a", "b", "a"]
    assert len(once) == 2


async def _immediate(value: str) -> str:
    await trio.lowlevel.checkpoint()
    return value


@pytest.mark.parametrize("cancelled", ["first", "second"])
async def test_a_cancelled_asker_spoils_nothing(cancelled: str) -> None:
    once: SingleFlight[str, str] = SingleFlight()
    work, results = Work(), list[object]()
    scopes = {"first": trio.CancelScope(), "second": trio.CancelScope()}

    async def asker(name: str) -> None:
        with scopes[name]:
            await ask(once, work, results)

    async with trio.open_nursery() as askers:
        for name in scopes:
            askers.start_soon(asker, name)
            await trio.testing.wait_all_tasks_blocked()
        scopes[cancelled].cancel()
        await trio.testing.wait_all_tasks_blocked()
        work.go.set()
    calls = {"first": 2, "second": 1}[cancelled]  # the second does it in place of the first
    assert (results, work.calls) == ([f"result {calls}"], calls)


async def test_an_error_reaches_all_who_ask() -> None:
    once: SingleFlight[str, str] = SingleFlight()
    work, results = Work(ValueError("no")), list[object]()
    async with trio.open_nursery() as askers:
        for _ in range(3):
            askers.start_soon(ask, once, work, results)
        work.go.set()
    await ask(once, work, results)
    assert work.calls == 1
    assert [repr(origin(error)) for error in results if isinstance(error, Exception)] == ["ValueError('no')"] * 4


async def test_work_that_was_cancelled_is_no_value() -> None:
    once: SingleFlight[str, str] = SingleFlight()
    async with trio.open_nursery() as askers:
        askers.start_soon(ask, once, Work(), [])
        await trio.testing.wait_all_tasks_blocked()
        askers.cancel_scope.cancel()
    assert ("key" in once, len(once)) == (False, 0)
    assert await once.get("key", lambda: _immediate("anew")) == "anew"


async def test_one_of_those_who_wait_takes_over_and_the_others_wait_for_that_one() -> None:
    once: SingleFlight[str, str] = SingleFlight()
    work, results = Work(), list[object]()
    first = trio.CancelScope()

    async def leaving() -> None:
        with first:
            await ask(once, work, results)

    async with trio.open_nursery() as askers:
        askers.start_soon(leaving)
        await trio.testing.wait_all_tasks_blocked()
        for _ in range(3):
            askers.start_soon(ask, once, work, results)
        await trio.testing.wait_all_tasks_blocked()
        first.cancel()
        await trio.testing.wait_all_tasks_blocked()
        work.go.set()
    assert (results, work.calls) == (["result 2"] * 3, 2)


async def test_what_was_used_last_is_remembered() -> None:
    once: SingleFlight[str, str] = SingleFlight(limit=2)
    worked: list[str] = []

    async def ask_for(key: str) -> None:
        async def work() -> str:
            worked.append(key)
            return await _immediate(key)

        assert await once.get(key, work) == key

    for key in "abacab":
        await ask_for(key)
    assert "".join(worked) == "abcb", "b was used before a when c came"
    assert len(once) == 2


async def test_work_under_way_is_never_forgotten() -> None:
    once: SingleFlight[str, str] = SingleFlight(limit=1)
    work, results = Work(), list[object]()
    async with trio.open_nursery() as askers:
        askers.start_soon(ask, once, work, results)
        await trio.testing.wait_all_tasks_blocked()
        for key in "abc":
            await once.get(key, lambda: _immediate("other"))
        askers.start_soon(ask, once, work, results)
        await trio.testing.wait_all_tasks_blocked()
        work.go.set()
    assert (results, work.calls) == (["result 1"] * 2, 1)


async def test_who_waited_gets_the_result_though_it_is_forgotten_at_once() -> None:
    once: SingleFlight[str, str] = SingleFlight(limit=0)
    work, results = Work(), list[object]()
    async with trio.open_nursery() as askers:
        for _ in range(3):
            askers.start_soon(ask, once, work, results)
        await trio.testing.wait_all_tasks_blocked()
        work.go.set()
    assert (results, work.calls, len(once)) == (["result 1"] * 3, 1, 0)


async def test_what_is_on_the_shelf_is_not_done_again() -> None:
    asked: list[str] = []

    def shelf(key: str) -> str | None:
        asked.append(key)
        return {"a": "from the shelf"}.get(key)

    once: SingleFlight[str, str] = SingleFlight(limit=2, shelf=shelf)
    for _ in range(2):
        assert "a" in once
        assert await once.get("a", lambda: _immediate("anew")) == "from the shelf"
    assert "b" not in once
    assert await once.get("b", lambda: _immediate("anew")) == "anew"
    assert asked == ["a", "b", "b"], "what is remembered is not looked for"


async def test_gather_keeps_the_order_of_the_items(autojump_clock: trio.testing.MockClock) -> None:
    async def slow_first(item: int) -> int:
        await trio.sleep(10 - item)
        return item * item

    started = trio.current_time()
    assert await gather(range(5), slow_first) == [0, 1, 4, 9, 16]
    assert trio.current_time() - started == 10  # all at once


async def test_gather_of_one_does_it_in_the_same_task() -> None:
    async def task(_: str) -> trio.lowlevel.Task:
        await trio.lowlevel.checkpoint()
        return trio.lowlevel.current_task()

    assert await gather(["one"], task) == [trio.lowlevel.current_task()]


async def test_gather_of_nothing() -> None:
    assert await gather([], _immediate) == []


def test_the_origin_is_beneath_groups_and_causes() -> None:
    root = KeyError("x")
    shared = RuntimeError("shared work failed")
    shared.__cause__ = ExceptionGroup("inner", [root])
    outer = ExceptionGroup("outer", [ExceptionGroup("middle", [shared]), ValueError("later")])
    assert leaf(outer) is shared
    assert origin(outer) is root
    assert leaf(root) is origin(root) is root
