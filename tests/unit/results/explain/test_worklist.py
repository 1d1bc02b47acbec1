"""The list of failing MX hosts: each host once, with its cause, history and contact."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from results.count.summary import summarise
from results.explain.tlsa_cause import Cause
from results.explain.worklist import Task, worklist
from results.store.reader import Run
from results.store.writer import Store
from scanner.facts import TLSARecord
from scanner.model import DomainRecord, EndpointReport, HostReport, TargetInfo
from scanner.reasons import Reason
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, RunState, Sender
from tests.unit import records
from tests.unit.records import DIGEST, NOON

OLD_DIGEST = "0d" * 32
OLD_KEY = "0e" * 32
PINNED_OLD = TLSARecord(3, 1, 1, OLD_KEY)

BROKEN = records.domain(
    hosts=(records.host_verdict(dane=Dane.MISMATCH, sender=Sender.DEFER, reasons=(Reason.TLSA_MISMATCH,)),),
    verdict=records.verdict(dane=DomainDane.BROKEN, outcome=DomainOutcome.FAIL, sender=Sender.DEFER),
)
UNMATCHED = replace(
    records.report(),
    tlsa=replace(records.report().tlsa, records=(PINNED_OLD,)),
    endpoints=(EndpointReport("192.0.2.1", (records.probe(),), records.evidence(record=None, depth=-1)),),
)


def run_of(
    place: Path, domains: Sequence[DomainRecord], report: HostReport | None = None, started: datetime = NOON
) -> Run:
    cert = records.cert()
    old = records.cert(sha256=OLD_DIGEST, spki_sha256=OLD_KEY, subject="/CN=old")
    with Store.create(place, records.header(started=started)) as store:
        for record in domains:
            store.put_domain(record, [report or UNMATCHED], {DIGEST: cert, OLD_DIGEST: old})
        store.finish(RunState.COMPLETE, {}, started + timedelta(hours=1))
    return Run.open(place)


def tasks_of(run: Run, *history: Run) -> tuple[Task, ...]:
    return worklist(run, summarise(run).failing, history)


def earlier(place: Path, name: str, days: int, *, broken: bool) -> Run:
    shaken = records.handshake(chain=(OLD_DIGEST,))
    report = records.report(endpoints=(EndpointReport("192.0.2.1", (records.probe(handshake=shaken),)),))
    return run_of(place / name, [BROKEN if broken else records.domain()], report, NOON - timedelta(days=days))


def test_a_host_is_listed_once_with_its_domains(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", [replace(BROKEN, key=f"d{number}.example") for number in range(30)])
    (task,) = tasks_of(run)
    assert (task.host, task.domains, len(task.examples)) == ("mx1.example", 30, 20)
    assert task.conclusive
    assert task.contact == "postmaster@mx1.example"
    assert task.explanation.cause == Cause.UNKNOWN_DIGEST
    assert task.explanation.records == (f"_25._tcp.mx1.example. IN TLSA 3 1 1 {records.SPKI}",)
    assert (task.since, task.new) == (None, False)


def test_history_has_the_previous_certificate(tmp_path: Path) -> None:
    (task,) = tasks_of(run_of(tmp_path / "run", [BROKEN]), earlier(tmp_path, "one", 1, broken=False))
    assert task.explanation.cause == Cause.PREVIOUS_CERTIFICATE
    assert "2026-08-31" in task.explanation.sentence


def test_conclusive_failures_come_first(tmp_path: Path) -> None:
    down = records.host_verdict(
        host="down.example", report=None, dane=Dane.UNKNOWN, sender=Sender.DEFER, conclusive=False, reasons=()
    )
    many = [replace(BROKEN, key=f"d{number}.example", hosts=(down,)) for number in range(3)]
    tasks = tasks_of(run_of(tmp_path / "run", [*many, BROKEN]))
    assert [(task.host, task.conclusive) for task in tasks] == [("mx1.example", True), ("down.example", False)]


def test_equal_numbers_of_domains_are_sorted_by_importance(tmp_path: Path) -> None:
    def one(name: str, **fields: str) -> DomainRecord:
        host = records.host_verdict(host=f"mx.{name}.example", report=None, dane=Dane.NO_TLS, sender=Sender.DEFER)
        return replace(BROKEN, key=f"{name}.example", hosts=(host,), target=TargetInfo(name, fields=fields))

    run = run_of(tmp_path / "run", [one("a"), one("b", Importance="7"), one("c", importance="high")])
    assert [task.host for task in tasks_of(run)] == ["mx.b.example", "mx.c.example", "mx.a.example"]


@pytest.mark.parametrize(
    ("host", "contact"),
    [
        ("mx1.mail.example.co.uk", "postmaster@example.co.uk"),
        ("192.0.2.1", "postmaster@[192.0.2.1]"),
        ("2001:db8::1", "postmaster@[IPv6:2001:db8::1]"),
    ],
)
def test_the_contact_is_the_postmaster(tmp_path: Path, host: str, contact: str) -> None:
    """RFC 5321 sections 4.5.1 and 4.1.3."""
    verdict = records.host_verdict(host=host, report=None, dane=Dane.NO_TLS, sender=Sender.DEFER)
    (task,) = tasks_of(run_of(tmp_path / "run", [replace(BROKEN, hosts=(verdict,))]))
    assert task.contact == contact
