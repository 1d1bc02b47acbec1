"""Every broken MX host once, with why, since when, and whom to write to; and the formats that carry it."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from results.count.summary import summarise
from results.explain.tlsa_cause import Cause
from results.explain.worklist import Task, worklist
from results.report.formats import COLUMNS, to_csv, to_json, to_markdown, to_text
from results.report.model import Report, make_report
from results.store.by_key import find
from results.store.reader import Run
from results.store.writer import Store
from scanner.facts import TLSARecord
from scanner.model import DomainRecord, EndpointReport, HostReport
from scanner.reasons import Reason
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, RunState, Sender
from tests.unit import records
from tests.unit.records import DIGEST, NOON

OLD_DIGEST = "0d" * 32
OLD_KEY = "0e" * 32
PINNED_OLD = TLSARecord(3, 1, 1, OLD_KEY)
HOSTILE = "=cmd|'x' `a` <script>alert(1)</script> [x](javascript:1) | \x1b[31m"

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


def test_a_host_stands_once_with_its_domains(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", [replace(BROKEN, key=f"d{number}.example") for number in range(30)])
    (task,) = tasks_of(run)
    assert (task.host, task.domains, len(task.examples)) == ("mx1.example", 30, 20)
    assert task.conclusive
    assert task.contact == "postmaster@mx1.example"
    assert task.explanation.cause == Cause.UNKNOWN_DIGEST
    assert task.explanation.records == (f"_25._tcp.mx1.example. IN TLSA 3 1 1 {records.SPKI}",)
    assert (task.since, task.new) == (None, False)


def test_history_tells_since_when(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", [BROKEN])
    history = [
        earlier(tmp_path, "one", 1, broken=True),
        earlier(tmp_path, "two", 2, broken=True),
        earlier(tmp_path, "three", 3, broken=False),
        earlier(tmp_path, "four", 4, broken=True),
    ]
    (task,) = tasks_of(run, *history)
    assert task.since == NOON - timedelta(days=2)
    (task,) = tasks_of(run, history[2])
    assert (task.since, task.new) == (None, True)


def test_runs_that_did_not_meet_a_host_say_nothing_of_it(tmp_path: Path) -> None:
    other = run_of(tmp_path / "other", [], started=NOON - timedelta(days=1))
    (task,) = tasks_of(run_of(tmp_path / "run", [BROKEN]), other, earlier(tmp_path, "two", 2, broken=True))
    assert task.since == NOON - timedelta(days=2)


def test_history_knows_the_previous_certificate(tmp_path: Path) -> None:
    (task,) = tasks_of(run_of(tmp_path / "run", [BROKEN]), earlier(tmp_path, "one", 1, broken=False))
    assert task.explanation.cause == Cause.PREVIOUS_CERTIFICATE
    assert "2026-08-31" in task.explanation.sentence


def test_what_was_proved_comes_before_what_was_not(tmp_path: Path) -> None:
    down = records.host_verdict(
        host="down.example", report=None, dane=Dane.UNKNOWN, sender=Sender.DEFER, conclusive=False, reasons=()
    )
    many = [replace(BROKEN, key=f"d{number}.example", hosts=(down,)) for number in range(3)]
    tasks = tasks_of(run_of(tmp_path / "run", [*many, BROKEN]))
    assert [(task.host, task.conclusive) for task in tasks] == [("mx1.example", True), ("down.example", False)]


def test_finding_gives_the_last_line_of_a_key(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", [records.domain(), BROKEN, records.domain(key="b.example")])
    assert find(run, "domains", DomainRecord, ["a.example", "nowhere.example"]) == {"a.example": BROKEN}


# --- formats --------------------------------------------------------------------------------------------------


@pytest.fixture
def hostile(tmp_path: Path) -> Report:
    """A report in which strangers' words are hostile."""
    host = records.host_verdict(host=HOSTILE, report=None, dane=Dane.NO_TLS, sender=Sender.DEFER, text=HOSTILE)
    shaken = records.handshake(cipher=HOSTILE, version=HOSTILE, group=HOSTILE)
    report = records.report(endpoints=(EndpointReport(HOSTILE, (records.probe(handshake=shaken),)),))
    domains = [records.domain(key=HOSTILE, hosts=(host,)), records.domain()]
    return make_report(run_of(tmp_path / "hostile", domains, report))


def test_markdown_escapes_what_strangers_wrote(hostile: Report) -> None:
    text = to_markdown(hostile, 10)
    assert "<script" not in text.replace("\\<", "")
    assert "\x1b" not in text
    assert "[x](" not in text
    assert "|'x'" not in text.replace("\\|", "")


def test_csv_is_no_formula_and_has_every_count(hostile: Report) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(hostile))))
    assert tuple(rows[0]) == COLUMNS
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]
    ok = next(row for row in rows if (row["section"], row["name"]) == ("outcome", "ok"))
    assert (ok["domains"], ok["domains_percent"], ok["hosts"], ok["hosts_percent"]) == (
        "2",
        "100.0000",
        "2",
        "100.0000",
    )


def test_every_format_has_the_same_counts(tmp_path: Path) -> None:
    made = make_report(run_of(tmp_path / "run", [records.domain(key="b.example"), BROKEN]))
    from_json = {
        (section["key"], row["word"]): row["count"]
        for section in json.loads(to_json(made))["counts"]
        for row in section["rows"]
    }
    from_csv = {
        (row["section"], row["name"]): {"domains": int(row["domains"]), "hosts": int(row["hosts"])}
        for row in csv.DictReader(io.StringIO(to_csv(made)))
        if row["hosts"]
    }
    assert from_json == from_csv
    assert from_json["dane", "broken"] == {"domains": 1, "hosts": 1}
    assert "| 1 | 50.0 % | 1 | 100.0 % | broken |" in to_markdown(made, 10)
    assert "1   50.0 %          1  100.0 %" in to_text(made, 10)
