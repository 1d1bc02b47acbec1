"""The flat rows of a run."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from results.export.rows import ROWS, Flattener, columns
from results.store.reader import Run
from results.store.writer import Store
from scanner.model import EndpointReport
from scanner.vocabulary import RunState
from tests.unit import records


def test_columns_have_types_of_every_format() -> None:
    for kind in ROWS.values():
        assert set(columns(kind).values()) <= {str, int, float, bool, datetime}


def test_an_address_without_any_session_has_a_row(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with Store.create(path, records.header()) as store:
        alone = replace(records.report(), endpoints=(EndpointReport("192.0.2.1", (records.refused("192.0.2.1"),)),))
        store.put_host(alone, [])
        store.finish(RunState.COMPLETE, {}, records.NOON)
    tables = {name: list(rows) for name, rows in Flattener(Run.open(path)).tables()}
    assert tables["endpoints"][0].leaf is None
    assert tables["hosts"][0].dane == ""  # no domain uses the host


def test_tlsa_records_are_in_presentation_format(run: Run) -> None:
    tables = {name: list(rows) for name, rows in Flattener(run).tables()}
    assert tables["hosts"][0].tlsa_records == f"3 1 1 {records.SPKI}"
    assert tables["endpoints"][0].tlsa_record == f"3 1 1 {records.SPKI}"


def test_a_host_has_the_most_severe_verdict(run: Run) -> None:
    tables = {name: list(rows) for name, rows in Flattener(run).tables()}
    assert (tables["hosts"][0].domains, tables["hosts"][0].dane) == (2, "mismatch")
    assert [row.dane for row in tables["routes"]] == ["ok", "mismatch"]
