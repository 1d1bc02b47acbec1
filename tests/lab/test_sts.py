"""A scan of the lab's domains about MTA-STS: every verdict, the same in each output, and the visits of policy hosts."""

import json
from collections import Counter
from pathlib import Path

import pytest

from results.store.reader import Run
from scanner.model import DomainRecord
from tests.lab.cases_sts import ADDRESSES, CASES, STSCase
from tests.lab.use import PATIENCE, RESOLVER, Lab
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


def test_report_explain_and_export_agree(lab: Lab, run: Path, domains: dict[str, DomainRecord], tmp_path: Path) -> None:
    report = json.loads(lab.run(*MXSWEEP, "report", str(run), "--format", "json").stdout)
    counts = {
        section["key"]: {row["word"]: row["count"]["domains"] for row in section["rows"]}
        for section in report["counts"]
    }
    for field in ("sts", "mechanism"):
        assert counts[field] == Counter(str(getattr(record.verdict, field)) for record in domains.values())
    for case in CASES:
        text = lab.run(*MXSWEEP, "explain", str(run), case.domain).stdout
        assert f"({case.expect.split()[3]})" in text
        assert all(f"({code})" in text for code in case.reasons.split())
    out = tmp_path / "tables"
    done = lab.run(*MXSWEEP, "export", str(run), "--format", "csv", "-o", str(out))
    assert done.returncode == 0, done.stderr
    rows = (out / "domains.csv").read_text()
    assert all(case.domain in rows for case in CASES)


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
