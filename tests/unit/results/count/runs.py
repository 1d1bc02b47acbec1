"""A run that is written and counted."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from results.count.summary import Summary, summarise
from results.store.reader import Run
from results.store.writer import Store
from scanner.model import DomainRecord, HostReport
from scanner.vocabulary import (
    RunState,
)
from tests.unit import records
from tests.unit.records import DIGEST, NOON

CERTS = {DIGEST: records.cert()}


def summary(place: Path, domains: Sequence[DomainRecord], reports: Sequence[HostReport] = ()) -> Summary:
    with Store.create(place, records.header()) as store:
        for report in reports:
            store.put_host(report, [records.cert()])
        for record in domains:
            store.put_domain(record, [], CERTS)
        store.put_reject("-", 1, "x y", "not-a-domain")
        store.finish(RunState.COMPLETE, {}, NOON + timedelta(hours=1))
    return summarise(Run.open(place))
