"""A scan of the lab's domains about MTA-STS: every verdict, the same in each output, and the visits of policy hosts."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from results.diff.compare import compare
from results.diff.rejudge import Rejudge
from results.explain.sts_fix import policy_faults
from results.store.reader import Run
from results.store.writer import policy_digests
from scanner.cli.commands import main
from scanner.core.sts.policy_file import Patterns, parse_policy
from scanner.model import DomainRecord
from scanner.net import truststore
from tests.lab.cases_sts import ADDRESSES, CASES, STSCase
from tests.lab.use import PATIENCE, RESOLVER, Lab
from tests.lines import dicts
from tests.sweep import MXSWEEP, trusting

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def run(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of all cases with ``--sts``."""
    place = tmp_path_factory.mktemp("sts") / "run"
    command = ("scan", "-", "--sts", "-o", str(place), "--quiet", "--ehlo", "sts.lab.test", "--retries", "0", *PATIENCE)
    done = lab.run(*MXSWEEP, *command, *trusting(lab), stdin="".join(f"{case.domain}\n" for case in CASES))
    assert done.returncode == 0, done.stderr
    return place


@pytest.fixture(scope="module")
def domains(run: Path) -> dict[str, DomainRecord]:
    return {record.key: record for record in Run.open(run).domains()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_verdict(case: STSCase, domains: dict[str, DomainRecord]) -> None:
    verdict = domains[case.domain].verdict
    found = f"{verdict.sts} {verdict.sender_sts} {verdict.sender_both} {verdict.mechanism}"
    reasons = [code for code in verdict.reasons if code.startswith(("sts-", "tlsrpt-"))]
    assert (found, " ".join(reasons)) == (case.expect, case.reasons), case.why
    assert verdict.dane == case.dane.dane or case.name == "one-dane"


def test_each_policy_host_is_visited_once(lab: Lab, run: Path, domains: dict[str, DomainRecord]) -> None:
    events = [json.loads(line) for line in lab.layout.httpsd_log.read_text().splitlines()]
    visits = Counter(event["address"] for event in events if isinstance(event, dict))
    named = {ADDRESSES[case.domain]: case.domain for case in CASES}
    asked = {named[address] for address in visits}
    fetched = {key for key, record in domains.items() if record.sts and any(f.status for f in record.sts.fetches)}
    assert fetched <= asked
    assert set(visits.values()) == {1}
    assert not asked & {f"sts-{name}.test" for name in ("absent", "two-records", "id", "servfail", "other-name")}


Verdicts = tuple[str, str, str, str, frozenset[str]]
"""``sts``, ``sender_sts``, ``sender_both`` and ``mechanism`` of a domain, and the reasons about MTA-STS and TLSRPT."""


def by_record(record: DomainRecord) -> Verdicts:
    verdict = record.verdict
    words = (str(word) for word in (verdict.sts, verdict.sender_sts, verdict.sender_both, verdict.mechanism))
    sts, sender_sts, sender_both, mechanism = words
    return sts, sender_sts, sender_both, mechanism, about(verdict.reasons)


def about(reasons: Iterable[str]) -> frozenset[str]:
    return frozenset(str(code) for code in reasons if code.startswith(("sts-", "tlsrpt-")))


def by_query(run: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Verdicts]:
    sql = "SELECT domain, sts, sender_sts, sender_both, mechanism, reasons FROM domains"
    assert main(["query", str(run), sql, "--format", "json"]) == 0
    rows = map(json.loads, capsys.readouterr().out.splitlines())
    words = ("sts", "sender_sts", "sender_both", "mechanism")
    return {row["domain"]: (*(row[word] for word in words), about(row["reasons"].split())) for row in rows}


EXPLAINED = re.compile(
    r" MTA-STS: [^()]* \((\w+)\)\. A sender that uses MTA-STS only [^()]* \((\w+)\)\."
    r" A sender that uses DANE and MTA-STS [^()]* \((\w+)\)\. Protection: [^()]* \((\w+)\)\."
)


def by_explain(run: Path, domain: str, capsys: pytest.CaptureFixture[str]) -> Verdicts:
    assert main(["explain", str(run), domain]) == 0
    text = " ".join(capsys.readouterr().out.split())
    words = EXPLAINED.search(text)
    assert words is not None, text
    causes = re.findall(r"Cause: (?:(?!Remedy: ).)* \(((?:sts|tlsrpt)-[a-z-]+)\) Remedy: ", text)
    sts, sender_sts, sender_both, mechanism = words.groups()
    return sts, sender_sts, sender_both, mechanism, frozenset(causes)


def test_scan_explain_report_and_query_agree(
    run: Path, domains: dict[str, DomainRecord], capsys: pytest.CaptureFixture[str]
) -> None:
    scanned = {key: by_record(record) for key, record in domains.items()}
    assert by_query(run, capsys) == scanned
    assert {key: by_explain(run, key, capsys) for key in scanned} == scanned
    assert main(["report", str(run), "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    listed = {task["domain"]: frozenset(fault["cause"] for fault in task["faults"]) for task in report["policies"]}
    assert listed == {key: found[-1] for key, found in scanned.items() if found[-1]}
    assert [task["sts"] for task in report["policies"]] == [scanned[key][0] for key in listed]
    counts = {
        section["key"]: {row["word"]: row["count"]["domains"] for row in section["rows"]}
        for section in report["counts"]
    }
    assert counts["sts"] == Counter(found[0] for found in scanned.values())
    assert counts["mechanism"] == Counter(found[3] for found in scanned.values())
    assert counts["sts_funnel"]["protected"] == counts["sts"]["protected"]


def test_a_proposed_policy_satisfies_the_mx_hosts(run: Path, domains: dict[str, DomainRecord]) -> None:
    for record in domains.values():
        for fault in policy_faults(record):
            if fault.records[:1] == ("version: STSv1",):
                lines = [line for line in fault.records if " IN TXT " not in line]
                policy = parse_policy("\n".join(lines).encode())
                assert all(Patterns(policy.mx).match(host.host) for host in record.hosts)


def test_judged_again_nothing_changes(lab: Lab, run: Path, domains: dict[str, DomainRecord]) -> None:
    judge = Rejudge(Run.open(run), truststore.load(str(lab.root_pem), None))
    assert [key for key, record in domains.items() if judge.record(record) != record] == []


def test_a_run_does_not_differ_from_itself(run: Path) -> None:
    found = compare([Run.open(run), Run.open(run)])
    assert (found.compared, found.policies, found.changed, found.transitions) == (len(CASES), [], [], {})


def test_every_output_shows_mta_sts(lab: Lab, run: Path, tmp_path: Path) -> None:
    out = tmp_path / "tables"
    done = lab.run(*MXSWEEP, "export", str(run), "--format", "csv", "-o", str(out))
    assert done.returncode == 0, done.stderr
    rows = (out / "domains.csv").read_text()
    assert all(case.domain in rows for case in CASES)
    page = lab.run(*MXSWEEP, "report", str(run), "--format", "html").stdout
    assert "Faults of MTA-STS and TLSRPT" in page
    done = lab.run(*MXSWEEP, "report", str(run), "--paper", "-o", str(tmp_path / "paper"))
    assert done.returncode == 0, done.stderr
    assert "MTA-STS" in (tmp_path / "paper" / "T14.csv").read_text()


def test_a_single_domain_is_examined_by_default(lab: Lab) -> None:
    done = lab.run(
        *MXSWEEP, "scan", "--domain", "sts-enforce.test", "--ehlo", "one.lab.test", *PATIENCE, *trusting(lab)
    )
    assert "Protection: MTA-STS (sts)." in done.stdout
    off = lab.run(
        *MXSWEEP,
        "scan",
        "--domain",
        "sts-enforce.test",
        "--no-sts",
        "--ehlo",
        "off.lab.test",
        *PATIENCE,
        *trusting(lab),
    )
    assert "MTA-STS" not in off.stdout


def test_private_addresses_of_policy_hosts_are_not_contacted(lab: Lab, tmp_path: Path) -> None:
    place = tmp_path / "run"
    command = ("scan", "-", "--sts", "-o", str(place), "--quiet", "--ehlo", "sts.lab.test", "--retries", "0", *PATIENCE)
    options = ("--resolver", RESOLVER, "--ca-file", str(lab.root_pem))
    lab.run(*MXSWEEP, *command, *options, stdin="sts-enforce.test\n")
    found = {record.key: record for record in Run.open(place).domains()}["sts-enforce.test"]
    assert found.sts is not None
    assert [fetch.reason for fetch in found.sts.fetches] == ["address-not-public"]
    assert found.verdict.sts == "unknown"


def test_several_processes_give_the_same_records(
    lab: Lab, domains: dict[str, DomainRecord], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Only times and TTLs differ; this test is the last, because it visits the policy hosts again."""
    place = tmp_path_factory.mktemp("parts") / "run"
    command = ("scan", "-", "--sts", "-o", str(place), "--quiet", "--ehlo", "sts.lab.test", "--dask", "local:2")
    done = lab.run(*MXSWEEP, *command, *trusting(lab), stdin="".join(f"{case.domain}\n" for case in CASES))
    assert done.returncode == 0, done.stderr
    found = {record.key: record for record in Run.open(place).domains()}
    assert {key: record.verdict for key, record in found.items()} == {key: domains[key].verdict for key in domains}
    bodies = [{key: each.sts and each.sts.body for key, each in records.items()} for records in (found, domains)]
    assert bodies[0] == bodies[1]
    certs = {line["sha256"] for line in dicts(place, "certs")}
    assert {digest for record in found.values() for digest in policy_digests(record)} <= certs
