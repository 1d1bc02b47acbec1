"""Every reader of a run shows the certificates of both key algorithms: the run is that of an examination."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from results.count.summary import summarise
from results.diff.hosts import HostChanges
from results.diff.rejudge import rejudge
from results.diff.states import HostState, host_states
from results.explain.domain_steps import Reasoning
from results.explain.domain_summary import in_words
from results.explain.evidence import evidence_of
from results.explain.worklist import worklist
from results.export import rows
from results.export.metrics import metrics
from results.paper.causes import mismatch_causes
from results.report.page_data import page_data
from results.store.line_sink import standing_alone
from results.store.reader import Run
from results.store.writer import Store
from scanner.facts import Endpoint, TLSARecord
from scanner.net.probe import ProbeResult
from scanner.run.examine import DomainResult
from scanner.settings import Settings
from scanner.vocabulary import CertAlg, RunState
from tests.unit import pki, records
from tests.unit.fakes import ALGORITHMS, LAB_ROOT, MX1, OK_RECORD, V4, Behaviour, shakes
from tests.unit.results.hostile import console, printed
from tests.unit.run.test_evidence import LOST, NEW_RSA, RSA_LEAF, RSA_RECORD, dual, examined


def rsa_first(endpoint: Endpoint) -> ProbeResult:
    """Behave as a server with both certificates that prefers RSA."""
    ecdsa = ALGORITHMS.get(endpoint.profile) is CertAlg.ECDSA
    return (shakes() if ecdsa else shakes(RSA_LEAF, pki.INTER))(endpoint)


def written(path: Path, result: DomainResult) -> Run:
    with Store.create(path, records.header()) as store:
        store.put_domain(result.record, result.reports, result.certs or {})
        store.finish(RunState.COMPLETE, {}, pki.NOW)
    return Run.open(path)


async def scanned(path: Path, *pins: TLSARecord, server: Behaviour | None = None) -> tuple[Run, DomainResult]:
    _, result = await examined(server or dual(RSA_LEAF), *pins)
    return written(path, result), result


async def test_the_worklist_has_a_record_for_each_key(tmp_path: Path) -> None:
    run, _ = await scanned(tmp_path / "run", OK_RECORD)
    (task,) = worklist(run, summarise(run).failing, ())
    explanation = task.explanation
    assert explanation.cause == "other-certificate-mismatch"
    assert "(rsa: " in explanation.sentence
    digests = {record.split()[-1] for record in explanation.records}
    assert digests == {RSA_LEAF.facts.spki_sha256, pki.LEAF.facts.spki_sha256}
    assert any("accepts only rsa keys" in line and RSA_LEAF.facts.spki_sha256 in line for line in task.evidence)
    assert mismatch_causes(run, (), [report.key for report in run.hosts()]) == {MX1: "other-certificate-mismatch"}


async def test_explain_and_the_summary_name_the_algorithm(tmp_path: Path) -> None:
    run, result = await scanned(tmp_path / "run", OK_RECORD)
    to = console(120)
    certs = {cert.sha256: cert for cert in run.certs()}
    Reasoning(to, {report.key: report for report in run.hosts()}, certs, {}).print(next(run.domains()))
    text = printed(to)
    assert "certificate with another key (rsa): the server has a certificate with the key algorithm" in text
    assert "Result for the rsa certificate: DANE does not match (mismatch)." in text
    to = console(120)
    in_words(standing_alone(result.record, result.reports, result.certs or {}), to)
    assert "another certificate (rsa key): DANE does not match" in printed(to)


@pytest.mark.parametrize(
    ("server", "pins", "columns", "word"),
    [
        (dual(RSA_LEAF), [OK_RECORD], ("ecdsa", "rsa=yes", RSA_LEAF.facts.sha256, False), "ecdsa and rsa"),
        (dual(RSA_LEAF), [OK_RECORD, RSA_RECORD], ("ecdsa", "rsa=yes", RSA_LEAF.facts.sha256, True), "ecdsa and rsa"),
        (shakes(), [OK_RECORD], ("ecdsa", "rsa=no", None, None), "ecdsa"),
        (dual(LOST), [OK_RECORD], ("ecdsa", "rsa=unknown", None, None), "ecdsa and unknown"),
        (dual(RSA_LEAF), [], ("ecdsa", "", None, None), ""),
    ],
)
async def test_tables_and_counts(
    tmp_path: Path, server: Behaviour, pins: list[TLSARecord], columns: tuple[object, ...], word: str
) -> None:
    run, _ = await scanned(tmp_path / "run", *pins, server=server)
    (row,) = rows.endpoint_rows(run)
    assert (row.key_algorithm, row.other_algorithms, row.other_leaf, row.other_tlsa_matched) == columns
    assert (row.pq, row.pq_signature, row.retried) == ("unknown", "unknown", False)
    table = summarise(run).tables["cert_algs"]
    assert [(each, count.hosts) for each, count in table.rows.items()] == ([(word, 1)] if word else [])
    assert table.base.hosts == (1 if word else 0)
    assert (f'mxsweep_hosts_by_certificates{{algorithms="{word}"}} 1' in metrics(run)) is bool(word)


async def test_the_earlier_expiry_of_both_counts(tmp_path: Path) -> None:
    soon = replace(pki.Plan(pki.name(MX1), pki.key("dual", "rsa2048"), pki.INTER), not_after=pki.TOMORROW).make()
    run, _ = await scanned(tmp_path / "run", OK_RECORD, server=dual(soon))
    assert [row.not_after for row in summarise(run).expiring] == [pki.TOMORROW]


async def test_the_page_has_both(tmp_path: Path) -> None:
    run, _ = await scanned(tmp_path / "run", OK_RECORD)
    data = json.loads(page_data(run).json)
    (other,) = data["hosts"][0]["addresses"][V4]["others"]
    assert other.startswith("another certificate (rsa key) does not match the TLSA records: ")


async def test_rejudged_verdicts_are_equal(tmp_path: Path) -> None:
    run, result = await scanned(tmp_path / "run", OK_RECORD)
    found = rejudge(run, LAB_ROOT)
    assert (found.changed, found.endpoints, found.left) == ([], [], 0)
    assert evidence_of(result.reports[0], result.certs or {})


@pytest.mark.parametrize(
    ("first", "second", "pins", "expected"),
    [
        # the RSA key is replaced after its record was published, the ECDSA key stays
        (dual(RSA_LEAF), dual(NEW_RSA), (OK_RECORD, RSA_RECORD, pki.tlsa(3, 1, 1, NEW_RSA)), ["correct"]),
        (dual(RSA_LEAF), dual(NEW_RSA), (OK_RECORD, RSA_RECORD), ["never-updated"]),
        # a server that prefers another certificate than before has not replaced any
        (dual(RSA_LEAF), rsa_first, (OK_RECORD, RSA_RECORD), []),
        (dual(RSA_LEAF), dual(LOST), (OK_RECORD, RSA_RECORD), []),
    ],
)
async def test_rollovers_are_compared_per_algorithm(
    tmp_path: Path, first: Behaviour, second: Behaviour, pins: tuple[TLSARecord, ...], expected: list[str]
) -> None:
    changes, runs = HostChanges(Counter({f"{MX1}:25/smtp": 1})), []
    states: list[HostState | None] = []
    for name, server in (("one", first), ("two", second)):
        run, _ = await scanned(tmp_path / name, *pins, server=server)
        runs.append(run)
        states += host_states(run)
    changes.add(states)
    assert [row.outcome for row in changes.judge(runs, pki.NOW).rollovers] == expected


def test_the_settings_default() -> None:
    assert Settings().cert_algs == (CertAlg.RSA, CertAlg.ECDSA)
