"""The rows that Python computes."""

from dataclasses import replace
from pathlib import Path

from cryptography import x509

from results.export import rows
from results.store.reader import Run
from results.store.writer import Store
from scanner.model import EndpointReport
from scanner.vocabulary import RunState
from tests.unit import pki, records


def test_an_address_without_any_session_has_a_row(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with Store.create(path, records.header()) as store:
        alone = replace(records.report(), endpoints=(EndpointReport("192.0.2.1", (records.refused("192.0.2.1"),)),))
        store.put_host(alone, [])
        store.finish(RunState.COMPLETE, {}, records.NOON)
    run = Run.open(path)
    assert next(rows.endpoint_rows(run)).leaf is None
    assert next(rows.host_rows(run)).dane == ""  # no domain uses the host


def test_tlsa_records_are_in_presentation_format(run: Run) -> None:
    host = next(rows.host_rows(run))
    assert (host.tlsa_records, host.tlsa_records_list) == (f"3 1 1 {records.SPKI}", (f"3 1 1 {records.SPKI}",))
    assert next(rows.endpoint_rows(run)).tlsa_record == f"3 1 1 {records.SPKI}"


def test_a_host_that_was_not_probed_names_the_probed_host() -> None:
    report = records.report(inferred={"from": "mx9.example:25/smtp"})
    assert rows.host_row(report).inferred_from == "mx9.example:25/smtp"
    assert rows.host_row(records.report()).inferred_from == ""


def test_a_host_has_the_most_severe_verdict(run: Run) -> None:
    host = next(rows.host_rows(run))
    assert (host.domains, host.dane) == (2, "mismatch")
    assert [route.host.dane for route in rows.route_rows(run)] == ["ok", "mismatch"]


def test_the_names_of_list_columns(run: Run) -> None:
    assert rows.field_names(run) == {"country"}


def test_pem_is_read_by_a_library() -> None:
    made = pki.Plan(pki.name("mx1.example"), pki.key("leaf")).make()
    assert x509.load_pem_x509_certificate(rows.pem(records.cert(der=made.der)).encode()) == made.cert
