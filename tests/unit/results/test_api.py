"""The front door of the results: a run that a program opens."""

from datetime import timedelta
from pathlib import Path

import pytest

import results
from results.store.files import StoreError
from results.store.writer import Store
from scanner.vocabulary import DomainOutcome, RunState
from tests.unit import records
from tests.unit.records import DIGEST, NOON


@pytest.fixture
def run(tmp_path: Path) -> Path:
    with Store.create(tmp_path / "run", records.header()) as store:
        store.put_domain(records.domain(), [records.report()], {DIGEST: records.cert()})
        store.put_domain(records.domain(key="b.example", hosts=()), [], {})
        store.finish(RunState.COMPLETE, {}, NOON + timedelta(hours=1))
    return tmp_path / "run"


def test_every_file_can_be_read(run: Path) -> None:
    opened = results.open(str(run))
    assert opened.header.state is RunState.COMPLETE
    assert [record.key for record in opened.domains()] == [records.domain().key, "b.example"]
    assert [report.key for report in opened.hosts()] == [records.report().key]
    assert [cert.sha256 for cert in opened.certs()] == [DIGEST]
    assert list(opened.rejects()) == []


@pytest.mark.parametrize("spelling", [str.lower, str.upper, "{}.".format])
def test_a_domain_is_found_with_its_hosts_and_certificates(run: Path, spelling: object) -> None:
    assert callable(spelling)
    record = results.open(run).find(spelling(records.domain().key))
    assert record is not None
    assert record.reports == (records.report(),)
    assert record.certificates is not None
    assert set(record.certificates) == {DIGEST}


def test_a_domain_that_the_run_does_not_have(run: Path) -> None:
    assert results.open(run).find("nowhere.example") is None


def test_figures_and_report_are_those_of_the_command(run: Path) -> None:
    opened = results.open(run)
    assert opened.summary().funnel.domains == opened.report().domains == 2
    assert opened.summary().outcome == {DomainOutcome.OK: 2}
    assert [row.host for row in opened.summary(days=29).expiring] == ["mx1.example"]


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no run here"):
        results.open(tmp_path)
