"""The list of domains with a fault of MTA-STS, in the order of the summary."""

from dataclasses import replace
from pathlib import Path

from results.count.summary import summarise
from results.explain.policy_worklist import policy_worklist
from results.store.reader import Run
from results.store.writer import Store
from scanner.model import DomainRecord
from scanner.reasons import Reason
from scanner.vocabulary import DomainSTS, Mechanism, RunState
from tests.unit import records, sts
from tests.unit.records import NOON


def domain(name: str, verdict: DomainSTS | None, *reasons: Reason) -> DomainRecord:
    judged = records.verdict(sts=verdict, mechanism=Mechanism.STS, reasons=reasons)
    target = replace(records.domain().target, fields={"owner": f"of {name}"})
    return records.domain(key=name, sts=sts.report(sts.policy()), verdict=judged, target=target)


def written(path: Path, *domains: DomainRecord) -> Run:
    with Store.create(path, records.header()) as store:
        for record in domains:
            store.put_domain(record, [], {})
        store.finish(RunState.COMPLETE, {}, NOON)
    return Run.open(path)


def test_the_worst_faults_are_first(tmp_path: Path) -> None:
    run = written(
        tmp_path / "run",
        domain("failed.test", DomainSTS.LOOKUP_FAILED, Reason.STS_LOOKUP_FAILED),
        domain("noted.test", DomainSTS.PROTECTED, Reason.TLSRPT_RECORD_INVALID),
        domain("invalid.test", DomainSTS.INVALID, Reason.STS_POLICY_INVALID),
        domain("fine.test", DomainSTS.PROTECTED, Reason.MX_INSECURE),
        domain("broken.test", DomainSTS.BROKEN, Reason.STS_MX_MISMATCH, Reason.STS_DANE_DISAGREE),
        domain("old.test", None, Reason.TLSA_MISMATCH),
    )
    faults = summarise(run).policy_faults
    assert faults.count == 4
    tasks = policy_worklist(run, faults, 10)
    assert [task.domain for task in tasks] == ["broken.test", "invalid.test", "noted.test", "failed.test"]
    assert [task.urgent for task in tasks] == [True, True, True, False]
    assert [fault.cause for fault in tasks[0].faults] == ["sts-mx-mismatch", "sts-dane-disagree"]
    assert tasks[0].state == "an MX host does not satisfy the MTA-STS policy"
    assert tasks[0].contact == "postmaster@secure.test"
    first = policy_worklist(run, faults, 1, "owner")
    assert [(task.domain, task.group) for task in first] == [("broken.test", "of broken.test")]
