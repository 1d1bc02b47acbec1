"""One rule says which probe stands for an address: every output shows the same probe.

Verdicts, case 31: the first probe has TLS and a certificate that does not match, and the probe that was to confirm the
mismatch is refused. The address is unknown everywhere; no output counts the TLS session of the first probe.
"""

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from results.count.summary import Summary, summarise
from results.explain.domain_steps import Reasoning
from results.export.database import load
from results.export.metrics import metrics
from results.paper.tables import paper_tables
from results.render.tables import Cell
from results.report.page_data import page_data
from results.store.reader import Run
from results.store.writer import Store
from scanner.model import DaneEvidence, EndpointReport
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, DomainStartTLS, RunState, Sender
from tests.unit import records
from tests.unit.records import NOON
from tests.unit.results.export.test_metrics import samples

ADDRESS = "192.0.2.1"
MISMATCH = DaneEvidence(None, -1, bare_key=False, needs_name=False, path=())


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A domain with one MX host with one address, whose mismatch could not be confirmed."""
    end = EndpointReport(ADDRESS, (records.probe(ADDRESS), records.refused(ADDRESS)))
    host = records.host_verdict(
        dane=Dane.UNKNOWN,
        starttls=DomainStartTLS.UNKNOWN,
        sender=Sender.DEFER,
        conclusive=False,
        endpoints=(records.unreached(ADDRESS),),
    )
    verdict = records.verdict(
        outcome=DomainOutcome.INCONCLUSIVE,
        sender=Sender.DEFER,
        dane=DomainDane.UNKNOWN,
        starttls=DomainStartTLS.UNKNOWN,
    )
    with Store.create(tmp_path / "run", records.header()) as store:
        store.put_host(records.report(endpoints=(end,), skipped=()), [records.cert()])
        store.put_domain(records.domain(hosts=(host,), verdict=verdict), [], {})
        store.finish(RunState.COMPLETE, {}, NOON)
    return Run.open(tmp_path / "run")


@pytest.fixture
def summary(run: Run) -> Summary:
    return summarise(run)


def rows_of(run: Run, name: str) -> dict[Cell, tuple[Cell, ...]]:
    (table,) = (table for table in paper_tables(run) if table.key == name)
    return {row[0]: row[1:] for row in table.rows}


def test_the_report_counts_no_session(summary: Summary) -> None:
    assert (summary.hosts, summary.endpoints) == (1, 1)
    assert (summary.tls_versions, summary.ciphers, summary.groups, summary.key_types) == ({}, {}, {}, {})
    assert summary.tables["tls_versions"].rows == {}
    assert summary.expiring == ()


def test_the_metrics_count_no_session(run: Run) -> None:
    found = samples(metrics(run))
    assert not any(name == "mxsweep_endpoints_by_tls" for name, _ in found)
    assert found["mxsweep_certificate_left_days_count", ()] == 0
    assert found["mxsweep_hosts_by_dane", (("verdict", "unknown"),)] == 1


def test_the_page_shows_no_session(run: Run) -> None:
    data = json.loads(page_data(run).json)
    address = data["hosts"][0]["addresses"][ADDRESS]
    assert (address["session"], address["chain"], address["tlsa"], data["certs"]) == ("", [], [], [])


def test_explain_shows_no_certificate(run: Run) -> None:
    """The steps list both connections, as both were made; the certificates are those of the address."""
    out = StringIO()
    reports = {report.key: report for report in run.hosts()}
    certs = {cert.sha256: cert for cert in run.certs()}
    Reasoning(Console(file=out, width=200), reports, certs, {}).print(next(run.domains()))
    text = out.getvalue()
    assert "connection 2 of 2" in text
    assert "certificate 0" not in text
    assert records.cert().subject not in text


def test_query_shows_no_session(run: Run) -> None:
    with load(run) as database:
        _, found = database.ask("select tls_version, starttls, tlsa_matched from endpoints")
        assert list(found) == [(None, "unknown", None)]


def test_the_paper_counts_no_session(run: Run) -> None:
    assert rows_of(run, "T2")["TCP refused"] == (1, 100.0, 1, 100.0)
    assert {row[0] for row in rows_of(run, "T10").values()} <= {"expired", "over 180"}
    assert rows_of(run, "T5") == {}


def test_a_confirmed_mismatch_counts_its_session(run: Run, tmp_path: Path) -> None:
    """The same address with a confirming probe that is not refused: every output shows the session."""
    (report,) = run.hosts()
    again = replace(report.endpoints[0], probes=(records.probe(ADDRESS), records.probe(ADDRESS)), dane=MISMATCH)
    with Store.create(tmp_path / "confirmed", records.header()) as store:
        store.put_host(replace(report, endpoints=(again,)), [records.cert()])
        store.put_domain(next(run.domains()), [], {})
        store.finish(RunState.COMPLETE, {}, NOON)
    confirmed = Run.open(tmp_path / "confirmed")
    assert summarise(confirmed).tls_versions == {"TLSv1.3": 1}
    assert samples(metrics(confirmed))["mxsweep_endpoints_by_tls", (("version", "TLSv1.3"),)] == 1
    assert rows_of(confirmed, "T2")["TLS established"] == (1, 100.0, 1, 100.0)
    with load(confirmed) as database:
        assert list(database.ask("select tls_version from endpoints")[1]) == [("TLSv1.3",)]
