"""The status of a scan, made from its counters."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from scanner.model import HeldBack
from scanner.net.breakers import Breakers
from scanner.run.stats import Stats
from scanner.run.status import NAMED, STAGES, Speed, StatusSource, rss
from scanner.vocabulary import Phase, RunState
from tests.unit import records


@dataclass
class ManualClock:
    """A clock that the test moves."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


# --- speed ----------------------------------------------------------------------------------------------------


def test_speed_is_that_of_the_last_minute() -> None:
    speed = Speed()
    for second in range(300):
        speed.add(float(second), 10 * min(second, 200))
        if second == 200:
            assert speed.rate(200.0, 2000) == 10.0
        if second == 230:  # no domain in half of the last minute
            assert speed.rate(230.0, 2000) == 5.0
    assert speed.rate(299.0, 2000) == 0.0


def test_samples_from_before_the_last_minute_do_not_count() -> None:
    speed = Speed()
    for now, done in ((0.0, 0), (100.0, 1000), (150.0, 1000)):
        speed.add(now, done)
    assert speed.rate(150.0, 1000) == 0.0


def test_speed_is_zero_before_time_has_passed() -> None:
    speed = Speed()
    assert speed.rate(5.0, 9) == 0.0
    speed.add(5.0, 9)
    assert speed.rate(5.0, 9) == 0.0


# --- status -------------------------------------------------------------------------------------------------


def test_domains_done_before_a_resume_do_not_count_for_the_speed() -> None:
    clock, stats = ManualClock(), Stats(total=1000, done=900)
    source = StatusSource(stats, 300, clock)
    assert (source.status().rate, source.status().eta) == (0.0, None)
    clock.now += 10
    for _ in range(20):
        stats.domain(records.domain())
    found = source.status()
    # 20 in 10 s; 80 are left
    assert (found.done, found.elapsed, found.rate, found.eta) == (920, 10.0, 2.0, 40.0)
    assert (found.outcome, found.dane) == ({"ok": 20}, {"protected": 20})


def test_the_time_left_includes_the_retry_pass() -> None:
    clock, stats = ManualClock(), Stats(total=100)
    source = StatusSource(stats, 300, clock)
    clock.now += 10
    for _ in range(50):
        stats.domain(records.domain())
    stats.retrying = 20
    assert source.status().eta == (50 + 20) / 5 + 300
    stats.done, stats.waiting = 100, "retry pass at 12:00"
    clock.now += 10
    assert (source.status().rate, source.status().eta) == (0, None)
    stats.waiting = ""  # the pass has begun
    clock.now += 10
    stats.domain(records.domain(), records.verdict())
    assert (source.status().rate, source.status().eta) == (0.1, 20 / 0.1)
    stats.retrying = 0
    assert source.status().eta == 0


def test_an_outage_has_no_time_left() -> None:
    clock, stats = ManualClock(), Stats(total=2)
    source = StatusSource(stats, 300, clock)
    clock.now += 1
    stats.domain(records.domain())
    assert source.status().eta == 1
    stats.outage("dns", "the DNS fails")
    stats.outage("network", "every connection fails")
    stats.waiting = "retry pass"
    found = source.status()
    assert (found.state, found.eta) == (RunState.PAUSED, None)
    assert found.waiting == "the DNS fails; every connection fails; retry pass"
    stats.outage("dns", "")
    assert source.status().state is RunState.PAUSED  # the other outage goes on
    stats.outage("network", "")
    stats.waiting = ""
    assert (source.status().state, source.status().waiting) == (RunState.RUNNING, "")


def test_every_stage_is_listed_with_the_waits_between_them() -> None:
    stats = Stats(wanted=9, in_flight=4)
    stats.stages.update({Phase.DNS: 2, Phase.CONNECT: 1, Phase.HANDSHAKE: 2})
    found = StatusSource(stats, 0, ManualClock()).status().in_flight
    assert list(found) == ["dns", "gates", *STAGES, "closing"]
    assert {stage: count for stage, count in found.items() if count} == {
        "dns": 2,
        "gates": 5,
        "connect": 1,
        "handshake": 2,
        "closing": 1,
    }


def test_trials_in_an_outage_are_not_requested_probes() -> None:
    stats = Stats(wanted=1, in_flight=8)
    assert StatusSource(stats, 0, ManualClock()).status().in_flight["gates"] == 0


def test_few_breakers_are_named_and_all_are_counted() -> None:
    stats = Stats(breakers=Breakers(10, 10), endpoints_probed=1, endpoints_shared=3)
    assert stats.breakers is not None
    for number in range(NAMED + 5):
        stats.breakers.rejected(f"{number:02}.example", 1000)
    stats.breakers.defer("12.example", 1000)
    found = StatusSource(stats, 0, ManualClock(1004.0)).status()
    assert (found.breakers, len(found.held_back)) == (NAMED + 5, NAMED)
    assert found.held_back[0] == HeldBack("12.example", 1, 6)
    assert found.shared_ratio == 0.75


def test_memory_is_in_octets() -> None:
    resident = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS:"))
    assert rss() == pytest.approx(int(resident.split()[1]) * 1024, rel=0.2)
