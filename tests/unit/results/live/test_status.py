"""The status of a scan: how the picture is made, and what files say of it."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import trio
from prometheus_client.openmetrics import parser as openmetrics
from trio.testing import MockClock

from results.live.status import Kept, MetricsFile, StatusFile, status_metrics
from results.schema.schema import schema
from results.store.files import StoreError
from scanner.facts import Answer, Endpoint
from scanner.model import HeldBack, Status
from scanner.net.breakers import Breakers
from scanner.net.outage import Outage
from scanner.net.probe import ProbeResult
from scanner.run.connections import Connections
from scanner.run.examine import DomainResult
from scanner.run.lookups import Lookups
from scanner.run.passes import RetryPasses
from scanner.run.stats import Stats
from scanner.run.status import NAMED, STAGES, Speed, StatusSource, rss
from scanner.settings import Settings
from scanner.vocabulary import DomainDane, FailureKind, Mode, Phase, RunState
from targets.lists import Target
from tests.unit import fakes, records
from tests.unit.results.export.test_metrics import samples


@dataclass
class Clock:
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
        if second == 230:  # half of the minute before went by without
            assert speed.rate(230.0, 2000) == 5.0
    assert speed.rate(299.0, 2000) == 0.0


def test_samples_from_before_the_last_minute_do_not_count() -> None:
    speed = Speed()
    for now, done in ((0.0, 0), (100.0, 1000), (150.0, 1000)):
        speed.add(now, done)
    assert speed.rate(150.0, 1000) == 0.0


def test_speed_is_nothing_before_time_has_passed() -> None:
    speed = Speed()
    assert speed.rate(5.0, 9) == 0.0
    speed.add(5.0, 9)
    assert speed.rate(5.0, 9) == 0.0


# --- the picture ----------------------------------------------------------------------------------------------


def test_what_a_resumed_run_had_done_is_no_speed() -> None:
    clock, stats = Clock(), Stats(total=1000, done=900)
    watch = StatusSource(stats, 300, clock)
    assert (watch.status().rate, watch.status().eta) == (0.0, None)
    clock.now += 10
    for _ in range(20):
        stats.domain(records.domain())
    found = watch.status()
    # 20 in 10 s; 80 are left
    assert (found.done, found.elapsed, found.rate, found.eta) == (920, 10.0, 2.0, 40.0)
    assert (found.outcome, found.dane) == ({"ok": 20}, {"protected": 20})


def test_the_end_is_that_of_the_later_pass() -> None:
    clock, stats = Clock(), Stats(total=100)
    watch = StatusSource(stats, 300, clock)
    clock.now += 10
    for _ in range(50):
        stats.domain(records.domain())
    stats.retrying = 20
    assert watch.status().eta == (50 + 20) / 5 + 300
    stats.done, stats.waiting = 100, "all wait"
    clock.now += 10
    assert (watch.status().rate, watch.status().eta) == (0, None)
    stats.waiting = ""  # the pass has begun
    clock.now += 10
    stats.domain(records.domain(), records.verdict())
    assert (watch.status().rate, watch.status().eta) == (0.1, 20 / 0.1)
    stats.retrying = 0
    assert watch.status().eta == 0


def test_nobody_knows_when_an_outage_ends() -> None:
    clock, stats = Clock(), Stats(total=2)
    watch = StatusSource(stats, 300, clock)
    clock.now += 1
    stats.domain(records.domain())
    assert watch.status().eta == 1
    stats.outage("dns", "the DNS fails")
    stats.outage("network", "every connection fails")
    stats.waiting = "a later pass"
    found = watch.status()
    assert (found.state, found.eta) == (RunState.PAUSED, None)
    assert found.waiting == "the DNS fails; every connection fails; a later pass"
    stats.outage("dns", "")
    assert watch.status().state is RunState.PAUSED  # the other one goes on
    stats.outage("network", "")
    stats.waiting = ""
    assert (watch.status().state, watch.status().waiting) == (RunState.RUNNING, "")


def test_every_stage_is_told_and_what_is_between_them() -> None:
    stats = Stats(wanted=9, in_flight=4)
    stats.stages.update({Phase.DNS: 2, Phase.CONNECT: 1, Phase.HANDSHAKE: 2})
    found = StatusSource(stats, 0, Clock()).status().in_flight
    assert list(found) == ["dns", "gates", *STAGES, "closing"]
    assert {stage: count for stage, count in found.items() if count} == {
        "dns": 2,
        "gates": 5,
        "connect": 1,
        "handshake": 2,
        "closing": 1,
    }


def test_trials_in_an_outage_are_nobodys_wish() -> None:
    stats = Stats(wanted=1, in_flight=8)
    assert StatusSource(stats, 0, Clock()).status().in_flight["gates"] == 0


def test_few_are_named_and_all_counted() -> None:
    stats = Stats(breakers=Breakers(10, 10), endpoints_probed=1, endpoints_shared=3)
    assert stats.breakers is not None
    for number in range(NAMED + 5):
        stats.breakers.rejected(f"{number:02}.example", 1000)
    stats.breakers.defer("12.example", 1000)
    found = StatusSource(stats, 0, Clock(1004.0)).status()
    assert (found.breakers, len(found.held_back)) == (NAMED + 5, NAMED)
    assert found.held_back[0] == HeldBack("12.example", 1, 6)
    assert found.shared_ratio == 0.75


def test_memory_is_told_in_octets() -> None:
    resident = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS:"))
    assert rss() == pytest.approx(int(resident.split()[1]) * 1024, rel=0.2)


def test_those_who_wait_for_a_later_pass_are_those_of_this_and_the_next() -> None:
    stats = Stats()
    later = RetryPasses(stats, 1)
    targets = [fakes.target(name) for name in ("a.test", "b.test")]

    def finding(target: Target, *, retry: bool) -> DomainResult:
        return DomainResult(records.domain(key=target.destination.key), retry=retry)

    for target in targets:
        later.note(target, finding(target, retry=True))
    assert stats.retrying == 2
    assert later.begin() == targets
    later.note(targets[0], finding(targets[0], retry=False))
    assert stats.retrying == 1
    later.note(targets[1], finding(targets[1], retry=True))  # there is no further pass
    assert stats.retrying == 0


async def test_questions_are_under_way_until_they_are_answered(autojump_clock: MockClock) -> None:
    stats = Stats()

    async def lookup(name: str, rtype: str, *, fresh: bool = False) -> Answer:
        await trio.sleep(2)
        return records.answer(name, rtype)

    async def works(_: object) -> bool:
        return True

    lookups = Lookups(lookup, Outage(works, _untold, "all"), _untold, stats)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lookups, "a.test", "MX")
        await trio.sleep(1)
        assert StatusSource(stats, 0).status().in_flight["dns"] == 1
    assert StatusSource(stats, 0).status().in_flight["dns"] == 0


async def test_connections_put_off_are_counted_for_whom_they_were(autojump_clock: MockClock) -> None:
    stats = Stats()

    async def busy(endpoint: Endpoint) -> ProbeResult:
        return fakes.fails(Phase.GREETING, FailureKind.REJECTED, 421, "busy")(endpoint)

    connections = Connections(Settings(), stats, busy)
    for number in range(3):
        address = f"192.0.{number}.1"
        await connections(Endpoint(address, 25, None, Mode.SMTP, "opportunistic"), "mx.example.com")
    (found,) = StatusSource(stats, 0).status().held_back
    assert (found.name, found.endpoints) == ("example.com", 2)


# --- files ----------------------------------------------------------------------------------------------------


def _untold(text: str) -> None:
    raise AssertionError(text)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_lines_come_at_the_start_now_and_then_and_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "status"
    path.write_text('{"elapsed":-1}\n')  # of the process before
    kept = Kept(StatusFile(path), 10, _untold)
    for second in range(25):
        kept.show(records.status(elapsed=float(second)))
    kept.end(records.status(elapsed=24.5, state=RunState.COMPLETE))
    assert [line["elapsed"] for line in lines(path)] == [-1, 0, 10, 20, 24.5]
    assert lines(path)[-1]["state"] == "complete"
    for line in lines(path)[1:]:
        jsonschema.validate(line, schema("status"))


def test_a_file_that_fails_is_told_once_and_the_scan_goes_on() -> None:
    failing, told = [False], list[str]()

    def write(_: Status) -> None:
        if failing[0]:
            raise StoreError("F: disk full")

    kept = Kept(write, 1, told.append)
    for second in range(9):
        failing[0] = second in {0, 1, 4, 5, 6}
        kept.show(records.status(elapsed=float(second)))
    assert told == ["F: disk full; the scan goes on"] * 2


def test_a_file_that_cannot_be_written_at_all_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere"):
        StatusFile(tmp_path / "nowhere" / "status")
    with pytest.raises(StoreError, match="nowhere"):
        MetricsFile(tmp_path / "nowhere" / "prom")


FULL = records.status(
    elapsed=12.5,
    state=RunState.PAUSED,
    total=9,
    done=4,
    rate=1.5,
    eta=8.0,
    in_flight={"dns": 1, "connect": 7},
    endpoints_probed=2,
    endpoints_shared=6,
    shared_ratio=0.75,
    breakers=3,
    held_back=(HeldBack("example.com", 3, 150.0),),
    retrying=2,
    waiting="all is down",
    rss=5_000_000,
    rejects=1,
    internal_errors=0,
    outcome={"ok": 4},
    dane={"none": 4},
)


def test_metrics_have_the_same_numbers(tmp_path: Path) -> None:
    MetricsFile(tmp_path / "mxsweep.prom")(FULL)
    assert [path.name for path in tmp_path.iterdir()] == ["mxsweep.prom"]
    found = samples((tmp_path / "mxsweep.prom").read_text())
    alone = {name.removeprefix("mxsweep_scan_"): value for (name, labels), value in found.items() if not labels}
    assert alone == {
        "status_timestamp_seconds": FULL.at.timestamp(),
        "elapsed_seconds": 12.5,
        "domains": 9,
        "domains_done": 4,
        "domains_per_second": 1.5,
        "left_seconds": 8,
        "waiting": 1,
        "retries_waiting": 2,
        "rejects": 1,
        "endpoints_probed": 2,
        "endpoints_shared": 6,
        "endpoints_shared_ratio": 0.75,
        "breakers_open": 3,
        "resident_memory_bytes": 5_000_000,
        "internal_errors": 0,
    }
    states = {labels[0][1]: value for (name, labels), value in found.items() if name.endswith("_state")}
    assert states == {"running": 0, "paused": 1, "complete": 0, "interrupted": 0}
    assert found["mxsweep_scan_in_flight", (("stage", "connect"),)] == 7
    assert found["mxsweep_scan_domains_by_dane", (("verdict", "none"),)] == 4
    assert sum(name == "mxsweep_scan_domains_by_dane" for name, _ in found) == len(DomainDane)
    assert "example.com" not in str(found)


def test_what_is_unknown_is_no_sample() -> None:
    names = {name for name, _ in samples(status_metrics(replace(FULL, total=None, eta=None, shared_ratio=None)))}
    gone = {"mxsweep_scan_domains", "mxsweep_scan_left_seconds", "mxsweep_scan_endpoints_shared_ratio"}
    assert not names & gone


def test_names_end_in_their_unit() -> None:
    parse: Any = openmetrics.text_string_to_metric_families
    for family in parse(status_metrics(FULL)):
        assert not family.unit or family.name.endswith(f"_{family.unit}")
