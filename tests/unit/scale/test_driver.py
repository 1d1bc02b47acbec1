"""A whole scan in parts: its records, each endpoint once, faults of workers, retry passes, and early ends."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import trio

from results.store.reader import Run
from results.store.writer import policy_digests
from scanner.facts import Answer, Failure
from scanner.model import DomainRecord
from scanner.net.https import Accepts, HTTPSResult
from scanner.run.policies import PATH
from scanner.scale import executor as executors
from scanner.scale.cluster import ClusterError
from scanner.scale.job import Job, Stage
from scanner.scale.plan_files import PlanPlace
from scanner.settings import Settings
from scanner.vocabulary import DomainDane, DomainSTS, FailureKind, Outcome, Phase
from tests.lines import dicts
from tests.unit import pki, sts
from tests.unit.fakes import (
    DOMAIN,
    MX1,
    OK_RECORD,
    Question,
    World,
    addresses,
    failed,
    fails,
    host,
    missing,
    mx,
    shakes,
)
from tests.unit.scale.inline import InlineWorkers, PartScan, use

QUICK = ("--retry-after", "0", "--spacing", "0", "--rate", "100000")
DUAL = ("192.0.2.1", "2001:db8:1::1")
BUSY = fails(Phase.GREETING, FailureKind.REJECTED, 421, "busy")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "POLL", 0)
    monkeypatch.setattr(executors, "PAUSE", 0)


def neighbours() -> World:
    """Return a world in which the two addresses of MX1 are in networks that belong to two other providers."""
    dns = mx(f"10 {MX1}") | host(MX1, *DUAL, records=[OK_RECORD])
    servers = dict.fromkeys(DUAL, shakes())
    for number, provider in enumerate(("one.example", "two.example", "three.example")):
        for n in range(2, 5):
            name = f"mx{n}.{provider}"
            address = (f"192.0.2.{n}", f"2001:db8:1::{n}", f"198.51.100.{n}")[number]
            dns |= mx(f"10 {name}", domain=f"d{n}.{provider}") | host(name, address)
            servers[address] = shakes()
    return World(
        dns | mx("0 .", domain="null.test") | mx("10 gone.test", domain="gone.test") | missing("gone.test"), servers
    )


DOMAINS = (
    DOMAIN, "null.test", "gone.test",
    *(f"d{n}.{provider}" for n in range(2, 5) for provider in ("one.example", "two.example", "three.example")),
)  # fmt: skip


def verdicts(run: Path) -> dict[str, DomainRecord]:
    return {record.key: record for record in Run.open(run).domains()}


def test_a_host_in_two_parts_is_probed_once_and_its_report_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = neighbours()
    use(world, monkeypatch)
    complete, driver = PartScan(tmp_path / "run", DOMAINS, *QUICK).go(InlineWorkers())
    index = PlanPlace(tmp_path / "run").index()
    assert complete
    assert index is not None
    assert index.split == 1
    assert set(Counter(call.address for call in world.net.calls).values()) == {1}
    (report,) = (each for each in Run.open(tmp_path / "run").hosts() if each.host == MX1)
    assert [each.address for each in report.endpoints] == list(DUAL)
    found = verdicts(tmp_path / "run")
    assert set(found) == set(DOMAINS)
    assert found[DOMAIN].verdict.dane is DomainDane.PROTECTED
    assert driver.totals["domains"] == len(DOMAINS)
    assert driver.totals["endpoints_probed"] == 0  # the ports of the made-up world do not count


def test_an_internal_error_at_a_host_before_the_plan_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The made-up world has no answer about the host of one domain, which is a bug; the other domain is judged."""
    world = World(mx(f"10 {MX1}") | host(MX1, DUAL[0]) | mx("10 bug.test", domain="bug.test"), {DUAL[0]: shakes()})
    use(world, monkeypatch)
    complete, driver = PartScan(tmp_path / "run", (DOMAIN, "bug.test"), *QUICK).go(InlineWorkers())
    found = verdicts(tmp_path / "run")
    assert (complete, driver.totals["internal_errors"]) == (True, 1)
    assert found[DOMAIN].verdict.dane is DomainDane.NONE
    assert found["bug.test"].verdict.dane is DomainDane.UNKNOWN
    assert "internal error: LookupError" in found["bug.test"].verdict.text


def test_a_failed_job_is_done_again_and_a_complete_one_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each job fails once; then the scan is resumed after its end, and only the judgement is repeated."""
    world = neighbours()
    use(world, monkeypatch)
    seen = Counter[str]()

    def once(job: Job) -> Exception | None:
        seen[job.name] += 1
        return ConnectionError("the worker is lost") if seen[job.name] == 1 else None

    scan = PartScan(tmp_path / "run", DOMAINS, *QUICK)
    assert scan.go(InlineWorkers(once))[0]
    assert set(seen.values()) == {2}
    calls, whole = len(world.net.calls), list(dicts(tmp_path / "run", "domains"))
    workers = InlineWorkers()
    assert scan.go(workers)[0]
    assert {job.stage for job in workers.jobs} == {Stage.JUDGE}
    assert len(world.net.calls) == calls
    assert list(dicts(tmp_path / "run", "domains")) == whole


def test_a_job_that_always_fails_ends_the_scan_with_its_last_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(neighbours(), monkeypatch)
    scan = PartScan(tmp_path / "run", DOMAINS, *QUICK)
    bad = InlineWorkers(lambda job: OSError("boom") if job.stage is Stage.PART and job.number == 1 else None)
    with pytest.raises(ClusterError, match=r"part 1 failed 5 times: OSError: boom; resume with --resume "):
        scan.go(bad)
    assert scan.go(InlineWorkers())[0]


def test_an_inconclusive_host_is_probed_again_in_a_retry_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(mx() | host(MX1, DUAL[0], records=[OK_RECORD]), {DUAL[0]: [BUSY, shakes()]})
    use(world, monkeypatch)
    workers = InlineWorkers()
    assert PartScan(tmp_path / "run", (DOMAIN,), *QUICK).go(workers)[0]
    assert [(job.again, job.last) for job in workers.jobs if job.stage is Stage.PART] == [(0, False), (1, False)]
    assert verdicts(tmp_path / "run")[DOMAIN].verdict.dane is DomainDane.PROTECTED
    (report,) = Run.open(tmp_path / "run").hosts()
    assert [len(each.earlier) for each in report.endpoints] == [1]


@pytest.mark.parametrize("retries", [0, 1])
def test_there_are_as_many_retry_passes_as_the_user_wants(
    retries: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(mx() | host(MX1, DUAL[0]), {DUAL[0]: BUSY})
    use(world, monkeypatch)
    workers = InlineWorkers()
    assert PartScan(tmp_path / "run", (DOMAIN,), *QUICK, "--retries", str(retries)).go(workers)[0]
    passes = [(job.again, job.last) for job in workers.jobs if job.stage is Stage.PART]
    assert passes == [(n, n == retries) for n in range(retries + 1)]


def test_a_failed_mx_lookup_is_repeated_after_the_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host of the domain is found only then; the lookup that fails again stays inconclusive."""
    dns = {**mx(f"10 {MX1}", domain="other.test"), **host(MX1, DUAL[0], records=[OK_RECORD])}
    dns |= mx("10 mx.late.test", domain="late.test") | host("mx.late.test", "203.0.113.9", records=[OK_RECORD])
    table: dict[Question, Answer | Sequence[Answer]] = {**dns}
    table[DOMAIN, "MX"] = [failed(DOMAIN, "MX"), mx()[DOMAIN, "MX"]]
    table["late.test", "MX"] = [failed("late.test", "MX")] * 2 + [dns["late.test", "MX"]]
    table["never.test", "MX"] = failed("never.test", "MX")
    world = World(table, {DUAL[0]: shakes(), "203.0.113.9": shakes()})
    use(world, monkeypatch)
    workers = InlineWorkers()
    names = (DOMAIN, "other.test", "late.test", "never.test")
    assert PartScan(tmp_path / "run", names, *QUICK).go(workers)[0]
    found = {key: record.verdict.dane for key, record in verdicts(tmp_path / "run").items()}
    assert found == {
        DOMAIN: DomainDane.PROTECTED,
        "other.test": DomainDane.PROTECTED,
        "late.test": DomainDane.PROTECTED,
        "never.test": DomainDane.LOOKUP_FAILED,
    }
    assert Counter(call.address for call in world.net.calls) == {DUAL[0]: 1, "203.0.113.9": 1}
    assert [(job.stage, job.again) for job in workers.jobs if job.stage in (Stage.ROUTES, Stage.ADDRESSES)] == [
        *((Stage.ROUTES, 0), (Stage.ADDRESSES, 0)),
        *((Stage.ROUTES, 1), (Stage.ROUTES, 2), (Stage.ADDRESSES, 2)),
    ]


def test_a_host_whose_address_lookup_failed_is_examined_again_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = {**mx(), **host(MX1, *DUAL, records=[OK_RECORD])}
    v6 = table[MX1, "AAAA"]
    world = World({**table, (MX1, "AAAA"): [failed(MX1, "AAAA"), v6]}, dict.fromkeys(DUAL, shakes()))
    use(world, monkeypatch)
    workers = InlineWorkers()
    assert PartScan(tmp_path / "run", (DOMAIN,), *QUICK).go(workers)[0]
    (report,) = Run.open(tmp_path / "run").hosts()
    assert [each.address for each in report.endpoints] == list(DUAL)
    assert report.aaaa == v6
    assert verdicts(tmp_path / "run")[DOMAIN].verdict.dane is DomainDane.PROTECTED


def test_without_retry_passes_no_lookup_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(World({(DOMAIN, "MX"): failed(DOMAIN, "MX")}, {}), monkeypatch)
    workers = InlineWorkers()
    assert PartScan(tmp_path / "run", (DOMAIN,), *QUICK, "--retries", "0").go(workers)[0]
    assert {job.again for job in workers.jobs} == {0}
    assert verdicts(tmp_path / "run")[DOMAIN].verdict.dane is DomainDane.LOOKUP_FAILED


class PolicyServers:
    """Policy hosts with a policy for MX1; the first request to ``busy`` fails."""

    def __init__(self, busy: str) -> None:
        self.visits = Counter[str]()
        self._busy = busy

    async def fetch(self, address: str, host: str, path: str, accepts: Accepts) -> HTTPSResult:
        assert path == PATH
        self.visits[address] += 1
        await trio.lowlevel.checkpoint()
        result = HTTPSResult(pki.NOW)
        if address == self._busy and self.visits[address] == 1:
            result.failure = Failure(Phase.CONNECT, FailureKind.TIMEOUT)
            return result
        leaf = dataclasses.replace(pki.LEAF_PLAN, sans=pki.dns(host)).make()
        result.chain = (leaf.der, pki.INTER.der)
        if accepts(result.chain):
            result.status, result.media_type = 200, "text/plain"
            result.body += sts.policy(MX1)
        return result


LATER = "d2.one.example"
POLICY_HOSTS = {DOMAIN: "203.0.113.1", LATER: "203.0.113.2"}


def with_policies(hosts: PolicyServers) -> World:
    """Return the world of ``neighbours`` in which two domains have a policy."""
    table = dict(neighbours().dns)
    for domain in DOMAINS:
        names = (f"_mta-sts.{domain}", f"_smtp._tls.{domain}")
        table |= {(name, "TXT"): sts.txt(name=name, outcome=Outcome.NXDOMAIN) for name in names}
    for domain, address in POLICY_HOSTS.items():
        table[f"_mta-sts.{domain}", "TXT"] = sts.txt(sts.RECORD, name=f"_mta-sts.{domain}")
        table |= addresses(f"mta-sts.{domain}", address)
    return World(table, neighbours().servers, fetch=hosts.fetch)


def test_policies_are_examined_once_and_failed_requests_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts = PolicyServers(busy=POLICY_HOSTS[LATER])
    world = with_policies(hosts)
    use(world, monkeypatch)
    scan, workers = PartScan(tmp_path / "run", DOMAINS, *QUICK, "--sts"), InlineWorkers()
    assert scan.go(workers)[0]
    found = verdicts(tmp_path / "run")
    assert (found[DOMAIN].verdict.sts, found["d3.one.example"].verdict.sts) == (DomainSTS.PROTECTED, DomainSTS.NONE)
    assert found[LATER].verdict.sts is DomainSTS.BROKEN  # its MX host is not in the policy
    assert found["null.test"].sts is None
    assert hosts.visits == {POLICY_HOSTS[DOMAIN]: 1, POLICY_HOSTS[LATER]: 2}
    assert [job.again for job in workers.jobs if job.stage is Stage.POLICIES] == [0, 1]
    certs = {line["sha256"] for line in dicts(tmp_path / "run", "certs")}
    assert {digest for record in found.values() for digest in policy_digests(record)} <= certs
    one = trio.run(with_policies(PolicyServers("")).examine, DOMAIN, Settings(sts=True)).record
    assert (found[DOMAIN].verdict, found[DOMAIN].hosts) == (one.verdict, one.hosts)
    again = InlineWorkers()
    assert scan.go(again)[0]
    assert [job.stage for job in again.jobs] == [Stage.POLICIES, Stage.JUDGE]


def test_an_early_end_and_a_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scan is stopped at each stage in turn; no endpoint is probed twice."""
    world = neighbours()
    use(world, monkeypatch)
    scan = PartScan(tmp_path / "run", DOMAINS, *QUICK)
    done: list[Any] = []
    others = (Stage.FITNESS, Stage.RECORDS, Stage.POLICIES)
    stages = [stage for stage in Stage if stage not in others]
    for stage in stages:
        stopped = InlineWorkers()

        def stop(job: Job, stage: Stage = stage) -> Exception | None:
            if job.stage is stage:
                raise _Stopped
            return None

        stopped._fault = stop
        with pytest.raises((_Stopped, BaseExceptionGroup)):
            scan.go(stopped)
        done.append([job.stage for job in stopped.jobs])
    assert scan.go(InlineWorkers())[0]
    assert set(Counter(call.address for call in world.net.calls).values()) == {1}
    assert [made[-1] for made in done] == stages


class _Stopped(Exception):  # noqa: N818 - stands for the loss of the process
    pass
