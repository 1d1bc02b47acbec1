"""Runs for comparison, written to disk as a scan writes them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from results.diff.compare import Comparison, compare
from results.store.reader import Run
from results.store.writer import Store
from scanner.facts import CertFacts, TLSALookup, TLSARecord
from scanner.model import DomainRecord, EndpointReport, HostReport
from scanner.reasons import Reason
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, RunState
from tests.unit import pki, records
from tests.unit.records import NOON

SOUND = records.verdict()
BROKEN = records.verdict(dane=DomainDane.BROKEN, outcome=DomainOutcome.FAIL, reasons=(Reason.TLSA_MISMATCH,), text="no")
UNKNOWN = records.verdict(dane=DomainDane.UNKNOWN, outcome=DomainOutcome.INCONCLUSIVE)
BARE = records.verdict(dane=DomainDane.NONE)

OLD_LEAF = pki.LEAF
NEW_LEAF = replace(pki.LEAF_PLAN, private=pki.key("next")).make()
PIN_OLD, PIN_NEW = pki.tlsa(3, 1, 1, OLD_LEAF), pki.tlsa(3, 1, 1, NEW_LEAF)


class Runs:
    """A series of runs, one a day."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.runs: list[Run] = []

    def add(
        self,
        domains: Sequence[DomainRecord] = (),
        hosts: Sequence[tuple[HostReport, Sequence[CertFacts]]] = (),
    ) -> None:
        """Add a run one day after the last."""
        day = timedelta(days=len(self.runs))
        path = self._directory / str(len(self.runs))
        with Store.create(path, records.header(started=NOON + day)) as store:
            for report, certs in hosts:
                store.put_host(replace(report, observed_at=NOON + day), certs)
            for record in domains:
                store.put_domain(replace(record, observed_at=NOON + day), [], {})
            store.finish(RunState.COMPLETE, {}, NOON + day)
        self.runs.append(Run.open(path))

    def verdicts(self, **domains: object) -> None:
        """Add a run of ``NAME.example`` domains with these verdicts; None leaves a domain out of the list."""
        made = (records.domain(key=f"{name}.example", verdict=v) for name, v in domains.items() if v is not None)
        self.add(list(made))

    def compare(self) -> Comparison:
        """Compare all runs."""
        return compare(self.runs)


def named(rows: Sequence[object]) -> list[str]:
    """Return the names of the domains without ``.example``."""
    return [row.domain.removesuffix(".example") for row in rows]  # type: ignore[attr-defined] # rows of domains


def host(leaf: pki.Made, *pins: TLSARecord, dane: Dane | None = None) -> tuple[HostReport, tuple[CertFacts, ...]]:
    """Return a host with one address that sends a server certificate, and with these TLSA records."""
    chain = pki.chain(leaf, pki.INTER)
    shaken = records.handshake(chain=tuple(cert.sha256 for cert in chain))
    report = records.report(
        tlsa=TLSALookup("mx1.example", pins, dane, None),
        endpoints=(EndpointReport("192.0.2.1", (records.probe(handshake=shaken),)),),
    )
    return report, chain
