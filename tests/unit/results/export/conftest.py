"""The runs of the export tests."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from results.store.reader import Run
from results.store.writer import Store
from scanner.model import HostVerdict
from scanner.reasons import Reason
from scanner.vocabulary import Dane, DomainDane, RunState
from tests.unit import records

FORMULA = "=HYPERLINK(1)"


def broken_host() -> HostVerdict:
    return records.host_verdict(dane=Dane.MISMATCH, reasons=(Reason.TLSA_MISMATCH,))


def written(path: Path, started: datetime = records.NOON) -> Run:
    """Write a run of two domains with one host, broken for the second domain; the second address refuses."""
    with Store.create(path, records.header(started=started)) as store:
        store.put_host(records.report(), [records.cert()])
        store.put_domain(records.domain(), [], {})
        verdict = records.verdict(dane=DomainDane.BROKEN, reasons=(Reason.TLSA_MISMATCH,), text=FORMULA)
        store.put_domain(records.domain(key="b.example", verdict=verdict, hosts=(broken_host(),)), [], {})
        store.finish(RunState.COMPLETE, {}, records.NOON)
    return Run.open(path)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return written(tmp_path / "run")


@pytest.fixture
def later(tmp_path: Path) -> Run:
    """The same run one day later."""
    return written(tmp_path / "later", records.NOON + timedelta(days=1))
