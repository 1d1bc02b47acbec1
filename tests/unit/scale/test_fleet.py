"""The status of all jobs: sums, a row for each running job, and texts that are no status."""

from dataclasses import replace

from results.store import codec
from scanner.model import Status
from scanner.scale.executor import StageProgress
from scanner.scale.fleet import Fleet
from scanner.scale.job import Job, Stage
from scanner.vocabulary import RunState
from tests.unit import records


def event(job: str, status: Status) -> dict[str, str]:
    return {"run": "RUN", "job": job, "worker": f"tcp://{job}:1", "status": codec.encode(status).decode()}


def fleet_of(*stages: tuple[Stage, int]) -> Fleet:
    running = {job.name: job for job in (Job(stage, number, "RUN", {}) for stage, number in stages)}
    fleet = Fleet("RUN", lambda: 0.0)
    fleet.watch(lambda: StageProgress("a stage", 3, 1, 1, running), 100)
    return fleet


def test_numbers_are_sums_over_the_running_jobs() -> None:
    one = replace(records.status(), endpoints_probed=3, endpoints_shared=1, in_flight={"dns": 2}, done=5, rss=10)
    fleet = fleet_of((Stage.PART, 1), (Stage.PART, 2))
    for name in ("part 1", "part 2", "part 3"):  # part 3 has ended
        fleet.event(event(name, one))
    status = fleet.status()
    assert (status.endpoints_probed, status.endpoints_shared, status.shared_ratio) == (6, 2, 0.25)
    assert (status.in_flight, status.total, status.done) == ({"dns": 4}, 100, 0)
    assert [(row.worker, row.job, row.done, row.in_flight) for row in status.workers] == [
        ("tcp://part 1:1", "part 1", 5, 2),
        ("tcp://part 2:1", "part 2", 5, 2),
    ]
    assert status.stage == "a stage: 1 of 3 jobs done, 2 submitted, 1 wait for a retry"


def test_domains_are_counted_while_they_are_judged() -> None:
    fleet = fleet_of((Stage.JUDGE, 0))
    fleet.event(event("judge 0", replace(records.status(), done=40, dane={"protected": 40})))
    status = fleet.status()
    assert (status.done, status.dane, status.state) == (40, {"protected": 40}, RunState.RUNNING)


def test_the_last_status() -> None:
    status = fleet_of().status(RunState.COMPLETE)
    assert (status.state, status.done, status.total, status.stage, status.eta) == ("complete", 100, 100, "", 0)


def test_a_text_that_is_no_status_is_ignored() -> None:
    fleet = fleet_of((Stage.PART, 1))
    other = event("part 1", records.status()) | {"run": "the run of another scan"}
    for wrong in ({}, {"run": "RUN"}, {"run": "RUN", "job": "part 1", "worker": "x", "status": "{}"}, other):
        fleet.event(wrong)
    assert fleet.status().workers == ()
