"""Hosts, domains and runs whose numbers can be counted by hand."""

from collections.abc import Sequence
from pathlib import Path

from results.store.reader import Run
from results.store.writer import Store
from scanner.facts import CertFacts, Failure, Probe, TLSALookup, TLSARecord
from scanner.model import DomainRecord, EndpointReport, HostReport, Route, RouteHost
from scanner.vocabulary import (
    Dane,
    DomainDane,
    FailureKind,
    Phase,
    RunState,
    StartTLS,
)
from tests.unit import records
from tests.unit.records import NOON

NOT_OFFERED = records.probe(starttls=StartTLS.NOT_OFFERED, handshake=None)


def failed(phase: Phase, kind: FailureKind, code: int | None = None) -> Probe:
    return records.probe(starttls=StartTLS.UNKNOWN, handshake=None, failure=Failure(phase, kind, code))


def host(name: str, *probes: Probe, pins: Sequence[TLSARecord] = (), dane: Dane | None = None) -> HostReport:
    """A host with an address for each probe."""
    ends = tuple(EndpointReport(f"192.0.2.{n}", (probe,)) for n, probe in enumerate(probes, 1))
    lookup = TLSALookup(name, tuple(pins), dane if pins or dane else Dane.NONE, None)
    a = records.answer(name, "A", "192.0.2.1")
    return records.report(key=f"{name}:25/smtp", host=name, a=a, aaaa=None, tlsa=lookup, endpoints=ends, skipped=())


def domain(key: str, *hosts: tuple[str, int, Dane], dane: DomainDane = DomainDane.NONE) -> DomainRecord:
    hops = tuple(RouteHost(name, preference) for name, preference, _ in hosts)
    verdicts = tuple(
        records.host_verdict(host=name, preference=preference, report=f"{name}:25/smtp", dane=word, endpoints=())
        for name, preference, word in hosts
    )
    mx = records.answer(key, "MX", "10 mx")
    return records.domain(key=key, route=Route(hops, mx, (key,)), hosts=verdicts, verdict=records.verdict(dane=dane))


def written(
    path: Path, domains: Sequence[DomainRecord], hosts: Sequence[HostReport], certs: Sequence[CertFacts] = ()
) -> Run:
    with Store.create(path, records.header()) as store:
        for report in hosts:
            store.put_host(report, certs or [records.cert()])
        for record in domains:
            store.put_domain(record, [], {})
        store.finish(RunState.COMPLETE, {}, NOON)
    return Run.open(path)


GOOD = host("good.example", records.probe(), pins=[records.MATCHING])


PLAIN = host("plain.example", NOT_OFFERED)
