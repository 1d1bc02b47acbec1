"""The ports that a replay answers from; whole replays are in ``tests/unit/cli/test_replay.py``."""

import trio.testing

from scanner.finger.replay import ReplayPorts
from scanner.vocabulary import FailureKind, Outcome
from tests.unit.finger.test_recorder import empty_case


async def test_what_is_not_in_the_case_fails(autojump_clock: trio.testing.MockClock) -> None:
    ports = ReplayPorts(empty_case())
    answer = await ports.lookup("x.test", "MX")
    assert (answer.outcome, answer.error) == (Outcome.ERROR, "not in the case")
    assert await ports.native("x.test") == "unable to look up host x.test: not in the case"
    failure = await ports.connect("192.0.2.1", 25, 1.0)
    assert failure is not None
    assert failure.kind is FailureKind.LOCAL
