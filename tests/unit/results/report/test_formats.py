"""A report as text, Markdown, JSON and CSV."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from results.report.formats import COLUMNS, to_csv, to_json, to_markdown, to_text
from results.report.model import Report, make_report
from results.store.reader import Run
from results.store.writer import Store
from scanner.facts import TLSARecord
from scanner.model import DomainRecord, EndpointReport
from scanner.reasons import Reason
from scanner.vocabulary import Dane, DomainSTS, HostSTS, Mechanism, RunState, Sender
from tests.unit import records, sts
from tests.unit.records import DIGEST, ISSUER_DIGEST, NOON
from tests.unit.results.explain.test_worklist import BROKEN, UNMATCHED, run_of

HOSTILE = "=cmd|'x' `a` <script>alert(1)</script> [x](javascript:1) | \x1b[31m"


def faulty(text: str) -> DomainRecord:
    """Return a domain with an MX host that its MTA-STS policy does not list; the texts of the policy are ``text``."""
    policy = replace(sts.report(sts.policy("mx0.example")), id=text)
    reasons = (Reason.STS_MX_MISMATCH, Reason.TLSRPT_RECORD_INVALID)
    verdict = records.verdict(reasons=reasons, sts=DomainSTS.BROKEN, mechanism=Mechanism.BROKEN)
    hosts = (records.host_verdict(sts=HostSTS.PATTERN_MISMATCH),)
    tlsrpt = replace(sts.tlsrpt(), defects=(text,))
    return records.domain(key=f"z{text}", hosts=hosts, verdict=verdict, sts=policy, tlsrpt=tlsrpt)


@pytest.fixture
def hostile(tmp_path: Path) -> Report:
    """Return a report in which every text from outside is hostile."""
    host = records.host_verdict(host=HOSTILE, report=None, dane=Dane.NO_TLS, sender=Sender.DEFER, text=HOSTILE)
    shaken = records.handshake(cipher=HOSTILE, version=HOSTILE, group=HOSTILE)
    report = records.report(endpoints=(EndpointReport(HOSTILE, (records.probe(handshake=shaken),)),))
    domains = [records.domain(key=HOSTILE, hosts=(host,)), records.domain(), faulty(HOSTILE)]
    return make_report(run_of(tmp_path / "hostile", domains, report))


def test_markdown_is_escaped(hostile: Report) -> None:
    text = to_markdown(hostile, 10)
    assert "<script" not in text.replace("\\<", "")
    assert "\x1b" not in text
    assert "[x](" not in text
    assert "|'x'" not in text.replace("\\|", "")


def test_csv_has_no_formulas_and_every_count(hostile: Report) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(hostile))))
    assert tuple(rows[0]) == COLUMNS
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]
    ok = next(row for row in rows if (row["section"], row["name"]) == ("outcome", "ok"))
    assert (ok["domains"], ok["domains_percent"], ok["hosts"], ok["hosts_percent"]) == (
        "3",
        "100.0000",
        "2",
        "100.0000",
    )


def test_every_format_has_the_same_counts(tmp_path: Path) -> None:
    made = make_report(run_of(tmp_path / "run", [records.domain(key="b.example"), BROKEN]))
    from_json = {
        (section["key"], row["word"]): row["count"]
        for document in (json.loads(to_json(made)),)
        for section in (document["figures"], *document["counts"])
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


@pytest.mark.parametrize("make", [to_text, to_markdown])
def test_a_record_to_publish_is_on_one_line(tmp_path: Path, make: Callable[[Report, int], str]) -> None:
    text = make(make_report(run_of(tmp_path / "run", [BROKEN])), 10)
    record = f"_25._tcp.mx1.example. IN TLSA 3 1 1 {records.SPKI}"
    assert [line.strip() for line in text.splitlines() if "IN TLSA" in line] == [record]


@pytest.mark.parametrize("make", [to_text, to_markdown])
def test_an_issuer_with_usage_3_has_an_alternative(tmp_path: Path, make: Callable[[Report, int], str]) -> None:
    issuer = records.cert(sha256=ISSUER_DIGEST, spki_sha256="d4" * 32)
    shaken = records.handshake(chain=(DIGEST, ISSUER_DIGEST))
    end = replace(UNMATCHED.endpoints[0], probes=(records.probe(handshake=shaken),))
    report = replace(
        UNMATCHED,
        tlsa=replace(UNMATCHED.tlsa, records=(TLSARecord(3, 1, 1, "d4" * 32),)),
        endpoints=(end,),
    )
    with Store.create(tmp_path / "run", records.header()) as store:
        store.put_domain(BROKEN, [report], {DIGEST: records.cert(), ISSUER_DIGEST: issuer})
        store.finish(RunState.COMPLETE, {}, NOON)
    text = make(make_report(Run.open(tmp_path / "run")), 10)
    lines = [line.strip() for line in text.splitlines() if "IN TLSA" in line]
    assert [line.split()[3:6] for line in lines] == [["3", "1", "1"], ["2", "1", "1"]]
    assert "or instead:" in text.lower()


def test_every_format_has_the_policy_to_publish(tmp_path: Path) -> None:
    made = make_report(run_of(tmp_path / "run", [faulty("x")]))
    assert (len(made.policies), made.policy_faults) == (1, 1)
    lines = ["version: STSv1", "mode: enforce", "mx: mx1.example", "max_age: 604800"]
    for text in (to_text(made, 10), to_markdown(made, 10)):
        found = [line.strip() for line in text.splitlines()]
        assert found[found.index(lines[0]) : found.index(lines[-1]) + 1] == lines
        assert any(line.startswith('_mta-sts.secure.test. IN TXT "v=STSv1; id=2026') for line in found)
    rows = [row for row in csv.DictReader(io.StringIO(to_csv(made))) if row["section"] == "policies"]
    assert rows[0]["records"].splitlines()[:4] == lines
    assert rows[1]["records"] == '_smtp._tls.secure.test. IN TXT "v=TLSRPTv1; rua=mailto:postmaster@secure.test"'
    steps = [(row.word, row.count.domains) for row in made.table("sts_funnel").rows]
    assert steps == [("examined", 1), ("record", 1), ("policy", 1), ("enforce", 1), ("protected", 0)]


def test_faults_beyond_the_limit_are_counted(tmp_path: Path) -> None:
    made = make_report(run_of(tmp_path / "run", [faulty("x"), faulty("y")]), top=1)
    assert (len(made.policies), made.policy_faults) == (1, 2)
    assert "and 1 more domains" in to_text(made, 1)
    assert "and 1 more domains" in to_markdown(made, 1)


def test_what_is_not_shown_is_counted(tmp_path: Path) -> None:
    """Six hosts are broken and six are inconclusive; each list has at most ``top`` hosts."""
    late = records.host_verdict(dane=Dane.UNKNOWN, sender=Sender.DEFER, conclusive=False, report=None)
    bad = records.host_verdict(dane=Dane.MISMATCH, sender=Sender.DEFER, report=None)
    hosts = [replace(kind, host=f"{n}{kind.dane}.example") for kind in (late, bad) for n in range(6)]
    made = make_report(run_of(tmp_path / "run", [records.domain(key=f"{h.host}", hosts=(h,)) for h in hosts]))
    assert (made.failing, len(made.tasks)) == (12, 12)
    for text in (to_text(made, 10), to_markdown(made, 10)):
        assert "more hosts" not in text
    for text in (to_text(made, 4), to_markdown(made, 4)):
        assert "and 4 more hosts" in text
    for text in (to_text(replace(made, failing=20), 4), to_markdown(replace(made, failing=20), 4)):
        assert "and 12 more hosts" in text


def test_rows_beyond_the_limit_are_counted_in_markdown(tmp_path: Path) -> None:
    reasons = (Reason.MX_INSECURE, Reason.TLSA_NONE, Reason.HOST_INSECURE)
    made = make_report(run_of(tmp_path / "run", [records.domain(verdict=records.verdict(reasons=reasons))]))
    rows = len(made.table("reasons").rows)
    assert f"and {rows - 1} more rows" in to_markdown(made, 1)
    assert f"and {rows - 1} more rows" in to_text(made, 1)
