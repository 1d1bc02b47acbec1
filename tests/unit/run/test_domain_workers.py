"""The worker tasks of a pass: slow domains do not delay the others, and their number is bounded."""

import math

import pytest
import trio
import trio.testing

from scanner.net.slow_probes import SLOW
from scanner.run.domain_workers import CHECK, DomainWorkers
from targets.lists import Target
from tests.unit.fakes import target

COUNT = 4


class Observations:
    """Observations of targets whose name begins with the seconds that they take; the most at the same time."""

    def __init__(self) -> None:
        self.done: dict[str, float] = {}
        self.now = self.most = 0
        self.stopping = False
        self.writing = 0.0

    async def observe(self, target: Target) -> str:
        self.now += 1
        self.most = max(self.most, self.now)
        await trio.sleep(int(target.raw.partition(".")[0].removeprefix("s")))
        self.now -= 1
        self.done[target.raw] = trio.current_time()
        return target.raw

    async def send(self, seen: str) -> None:
        assert seen in self.done
        await trio.sleep(self.writing)

    async def run(self, *names: str) -> None:
        start = trio.current_time()
        send, receive = trio.open_memory_channel[Target](math.inf)
        with send:
            for name in names:
                send.send_nowait(target(name))
        await DomainWorkers(self.observe, self.send, receive, COUNT, lambda: self.stopping).run()
        self.done = {name: at - start for name, at in self.done.items()}


def _names(seconds: int, count: int) -> list[str]:
    return [f"s{seconds}.n{number}.example" for number in range(count)]


@pytest.fixture
def found() -> Observations:
    return Observations()


async def test_slow_domains_do_not_delay_the_others(
    found: Observations, autojump_clock: trio.testing.MockClock
) -> None:
    await found.run(*_names(100, COUNT), *_names(0, 50))
    assert len(found.done) == COUNT + 50
    assert max(at for name, at in found.done.items() if name.startswith("s0.")) <= SLOW + 2 * CHECK


async def test_the_number_of_worker_tasks_is_bounded(
    found: Observations, autojump_clock: trio.testing.MockClock
) -> None:
    await found.run(*_names(100, 5 * COUNT))
    assert found.most == 2 * COUNT
    assert len(found.done) == 5 * COUNT


async def test_without_slow_domains_no_more_worker_tasks_run(
    found: Observations, autojump_clock: trio.testing.MockClock
) -> None:
    await found.run(*_names(3, 10 * COUNT))
    assert found.most == COUNT


async def test_a_slow_writer_starts_no_more_worker_tasks(
    found: Observations, autojump_clock: trio.testing.MockClock
) -> None:
    found.writing = 100
    await found.run(*_names(1, 3 * COUNT))
    assert found.most == COUNT


async def test_after_slow_domains_there_are_as_many_worker_tasks_as_before(
    found: Observations, autojump_clock: trio.testing.MockClock
) -> None:
    """Four slow domains bring four more worker tasks, which end with the slow domains."""
    await found.run(*_names(20, COUNT), *_names(4, 20 * COUNT))
    assert found.most == 2 * COUNT
    found.most = 0
    late = [at for name, at in found.done.items() if name.startswith("s4.") and at > 40]
    assert max(late.count(at) for at in late) <= COUNT


async def test_a_stop_ends_the_worker_tasks_after_their_targets(
    found: Observations, autojump_clock: trio.testing.MockClock
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(found.run, *_names(10, 5 * COUNT))
        await trio.sleep(1)
        found.stopping = True
    assert len(found.done) == COUNT


async def test_an_error_of_an_observation_is_raised(autojump_clock: trio.testing.MockClock) -> None:
    async def observe(seen: Target) -> Target:
        return seen

    async def fail(_: Target) -> None:
        raise OSError("disk full")

    send, receive = trio.open_memory_channel[Target](1)
    send.send_nowait(target("a.example"))
    with pytest.raises(ExceptionGroup) as caught:
        await DomainWorkers(observe, fail, receive, 1, lambda: False).run()
    assert caught.group_contains(OSError, match="disk full")
