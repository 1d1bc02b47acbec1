"""The options of report, explain and schema: their effects, and one line for each error."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from results.store.writer import Store
from scanner.cli.commands import main
from scanner.model import TargetInfo
from scanner.reasons import Reason
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, RunState, Sender
from tests.unit import records
from tests.unit.records import DIGEST, NOON

Capture = pytest.CaptureFixture[str]

BROKEN = records.domain(
    key="b.example",
    hosts=(records.host_verdict(dane=Dane.NO_TLS, sender=Sender.DEFER, reasons=(Reason.STARTTLS_NOT_OFFERED,)),),
    verdict=records.verdict(dane=DomainDane.BROKEN, outcome=DomainOutcome.FAIL, sender=Sender.DEFER),
)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    place = tmp_path / "run"
    with Store.create(place, records.header()) as store:
        store.put_domain(records.domain(), [records.report()], {DIGEST: records.cert()})
        store.put_domain(BROKEN, [], {})
        store.finish(RunState.COMPLETE, {}, NOON + timedelta(hours=1))
    return place


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("text", "The server does not offer STARTTLS."),
        ("markdown", "### mx1.example: 1 domain"),
        ("json", '"sentence": "The server does not offer STARTTLS."'),
        ("csv", "worklist,mx1.example,1,"),
        ("html", '<script type="application/json" id="data">'),
    ],
)
def test_every_format_goes_to_standard_output_and_to_a_file(
    run: Path, tmp_path: Path, capfd: Capture, form: str, expected: str
) -> None:
    assert main(["report", str(run), "--format", form]) == 0
    assert expected in capfd.readouterr().out
    file = tmp_path / f"report.{form}"
    assert main(["report", str(run), "--format", form, "-o", str(file)]) == 0
    assert expected in file.read_text("utf-8")


def test_days_move_the_list_of_certificates(run: Path, capfd: Capture) -> None:
    """The certificate ends 28 days after the run."""
    assert main(["report", str(run), "--format", "json", "--days", "27"]) == 0
    assert "expiring" not in {listing["key"] for listing in json.loads(capfd.readouterr().out)["listings"]}
    assert main(["report", str(run), "--format", "json", "--days", "29"]) == 0
    assert "expiring" in {listing["key"] for listing in json.loads(capfd.readouterr().out)["listings"]}


def test_history_is_read(run: Path, capfd: Capture) -> None:
    assert main(["report", str(run), "--history", str(run)]) == 0
    assert "since 2026-09-01 12:00 UTC" in " ".join(capfd.readouterr().out.split())


@pytest.mark.parametrize("domain", ["b.example", "B.Example."])
def test_explain_shows_the_steps_to_the_verdict(run: Path, capfd: Capture, domain: str) -> None:
    assert main(["explain", str(run), domain]) == 0
    text = " ".join(capfd.readouterr().out.split())
    for step in (
        "Route",
        "MX host 1 of 1",
        "TLSA",
        "STARTTLS offered",
        "Remedy: Turn STARTTLS on",
        "Verdict",
    ):
        assert step in text


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--paper"], "--paper: -o DIR is missing"),
        (["--at", "+3d"], "--at: only with --rejudge"),
        (["--rejudge", "--paper", "-o", "x"], "--paper and --rejudge: only one of them is possible"),
        (["--rejudge", "--format", "html"], "text or json was expected"),
        (["-o", "/nowhere/at/all"], "/nowhere/at/all: No such file or directory"),
        (["--history", "/nowhere"], "no run here"),
    ],
)
def test_wrong_flags_cost_one_line(run: Path, capfd: Capture, flags: list[str], expected: str) -> None:
    assert main(["report", str(run), *flags]) == 2
    err = capfd.readouterr().err
    assert expected in err
    assert err.count("\n") == 1


def test_a_domain_that_the_run_does_not_have(run: Path, capfd: Capture) -> None:
    assert main(["explain", str(run), "nowhere.example"]) == 2
    assert "nowhere.example: not in" in capfd.readouterr().err


def test_the_schema_is_json(capfd: Capture) -> None:
    assert main(["schema", "hosts"]) == 0
    assert json.loads(capfd.readouterr().out)["title"] == "mxsweep: a line of hosts.jsonl"
    assert main(["schema", "moon"]) == 2


def test_an_unknown_column_is_reported(run: Path, capfd: Capture) -> None:
    assert main(["report", str(run), "--group-by", "moon"]) == 0
    shown = capfd.readouterr()
    assert "moon: (none)" in shown.out
    assert shown.err == "mxsweep: --group-by moon: no domain of the run has a value in this column\n"
    assert main(["report", str(run), "--group-by", "Country", "--format", "csv"]) == 0
    shown = capfd.readouterr()
    assert shown.err == ""
    assert "worklist,mx1.example,1," in shown.out


def test_texts_for_contacts_are_written(run: Path, tmp_path: Path, capfd: Capture) -> None:
    assert main(["report", str(run), "--mail-merge", str(tmp_path / "mails")]) == 0
    (path,) = capfd.readouterr().out.splitlines()
    assert "The server does not offer STARTTLS." in Path(path).read_text()
    assert main(["report", str(run), "--mail-merge", str(tmp_path / "mails"), "--paper", "-o", "x"]) == 2
    assert "--mail-merge: not together with --paper" in capfd.readouterr().err


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_the_rows_of_each_group_are_limited(tmp_path: Path, capfd: Capture, form: str) -> None:
    with Store.create(tmp_path / "run", records.header()) as store:
        for number in range(6):
            (verdict,) = BROKEN.hosts
            owner = TargetInfo(f"d{number}.example", fields={"owner": "Ann" if number < 3 else "Bob"})
            hosts = (replace(verdict, host=f"mx{number}.example"),)
            store.put_domain(replace(BROKEN, key=f"d{number}.example", target=owner, hosts=hosts), [], {})
        store.finish(RunState.COMPLETE, {}, NOON)
    assert main(["report", str(tmp_path / "run"), "--group-by", "owner", "--top", "2", "--format", form]) == 0
    first, ann, bob = capfd.readouterr().out.split("owner: ")
    assert "mx0.example" not in first
    assert [f"mx{number}.example" in ann + bob for number in range(6)] == [True, True, False, True, True, False]
    assert ann.count("and 1 more hosts") == bob.partition("Steps to protection")[0].count("and 1 more hosts") == 1
