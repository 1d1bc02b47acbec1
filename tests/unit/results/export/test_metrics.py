"""Metrics, read back by the parsers of the official client: OpenMetrics 1.0 and Prometheus' older format."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import parser as prometheus
from prometheus_client.openmetrics import parser as openmetrics

from results.export.metrics import DAYS, metrics, write_metrics
from results.store.files import StoreError
from results.store.reader import Run
from results.store.writer import Store
from scanner.model import DomainRecord, EndpointReport
from scanner.reasons import Reason
from scanner.vocabulary import DomainDane, DomainOutcome, RunState
from tests.unit import records
from tests.unit.records import NOON

BROKEN = records.verdict(dane=DomainDane.BROKEN, outcome=DomainOutcome.FAIL, reasons=(Reason.TLSA_MISMATCH,))


def domain(name: str, provider: str, **parts: object) -> DomainRecord:
    host = f"mx.{provider}"
    verdict = records.host_verdict(host=host, report=f"{host}:25/smtp")
    return records.domain(key=name, route=records.route(host), hosts=(verdict,), **parts)


def written(path: Path, domains: list[DomainRecord], days: list[float]) -> Run:
    """A run with these domains, and a host for each certificate with so many days left."""
    with Store.create(path, records.header(resolver='say "hi"\\')) as store:
        for number, left in enumerate(days):
            digest = f"{number:064x}"
            probe = records.probe(handshake=records.handshake(chain=(digest,)))
            ends = (EndpointReport("192.0.2.1", (probe,)),)
            report = replace(records.report(), key=f"h{number}:25/smtp", host=f"h{number}", endpoints=ends)
            store.put_host(report, [records.cert(sha256=digest, not_after=NOON + timedelta(days=left))])
        for record in domains:
            store.put_domain(record, [], {})
        store.finish(RunState.COMPLETE, {}, NOON)
    return Run.open(path)


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample by name and labels, the same by either parser."""
    by_parser = [
        {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in parse(text)
            for sample in family.samples
        }
        for parse in (openmetrics.text_string_to_metric_families, prometheus.text_string_to_metric_families)
    ]
    assert by_parser[0] == by_parser[1]
    return by_parser[0]


def test_verdicts_are_counted_and_zero_is_there_too(tmp_path: Path) -> None:
    run = written(tmp_path / "run", [domain("a", "p.example"), domain("b", "p.example", verdict=BROKEN)], [])
    found = samples(metrics(run))
    assert found["mxsweep_domains", ()] == 2
    assert found["mxsweep_domains_by_dane", (("verdict", "broken"),)] == 1
    assert found["mxsweep_domains_by_dane", (("verdict", "partial"),)] == 0
    assert found["mxsweep_domains_by_outcome", (("verdict", "fail"),)] == 1
    assert found["mxsweep_domains_by_reason", (("reason", "tlsa-mismatch"),)] == 1
    assert found["mxsweep_domains_by_reason", (("reason", "mx-bogus"),)] == 0


def test_what_made_the_run_is_escaped(tmp_path: Path) -> None:
    found = samples(metrics(written(tmp_path / "run", [], [])))
    (labels,) = (dict(labels) for name, labels in found if name == "mxsweep_run_info")
    assert labels["resolver"] == 'say "hi"\\'
    assert found["mxsweep_run_started_timestamp_seconds", ()] == NOON.timestamp()
    assert found["mxsweep_run_duration_seconds", ()] == 0


def test_few_providers_are_named_and_the_others_add_up(tmp_path: Path) -> None:
    domains = [domain(f"{name}{number}", f"{name}.example") for number in range(3) for name in "abc"[: number + 1]]
    domains.append(domain("x", "c.example", verdict=BROKEN))
    found = samples(metrics(written(tmp_path / "run", domains, []), providers=1))
    series = {dict(labels)["provider"]: value for (name, labels), value in found.items() if name.endswith("r_domains")}
    assert series == {"a.example": 3, "other": 4}
    broken = (("provider", "other"), ("verdict", "broken"))
    assert found["mxsweep_provider_domains_by_dane", broken] == 1


def test_days_left_are_a_histogram_and_what_has_expired_stays_in_it(tmp_path: Path) -> None:
    found = samples(metrics(written(tmp_path / "run", [], [-10, 0.5, 29, 400])))
    name = "mxsweep_certificate_left_days"
    buckets = [found[f"{name}_bucket", (("le", bound),)] for bound in (*(f"{day:.1f}" for day in DAYS), "+Inf")]
    assert buckets == [1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4]
    assert found[f"{name}_count", ()] == 4
    assert found[f"{name}_sum", ()] == pytest.approx(429.5)


def test_an_empty_run_has_metrics(tmp_path: Path) -> None:
    found = samples(metrics(written(tmp_path / "run", [], [])))
    assert found["mxsweep_domains", ()] == 0
    assert found["mxsweep_certificate_left_days_count", ()] == 0


def test_names_end_in_their_unit(tmp_path: Path) -> None:
    parse: Any = openmetrics.text_string_to_metric_families
    for family in parse(metrics(written(tmp_path / "run", [], []))):
        assert family.name.startswith("mxsweep_")
        assert not family.unit or family.name.endswith(f"_{family.unit}")


def test_the_file_is_replaced_whole(tmp_path: Path) -> None:
    run = written(tmp_path / "run", [], [])
    path = tmp_path / "mxsweep.prom"
    path.write_text("old")
    write_metrics(run, path)
    assert path.read_text() == metrics(run)
    assert path.read_text().endswith("\n# EOF\n")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["mxsweep.prom", "run"]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere"):
        write_metrics(written(tmp_path / "run", [], []), tmp_path / "nowhere" / "mxsweep.prom")
