"""Runs for comparison, written to disk as a scan writes them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from results.diff.compare import Comparison, compare
from results.store.reader import Run
from results.store.writer import Store
from scanner.facts import CertFacts, TLSALookup, TLSARecord
from scanner.model import DomainRecord, EndpointReport, HostReport, HostVerdict
from scanner.reasons import Reason
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, RunState, Sender
from tests.unit import pki, records
from tests.unit.records import NOON

SOUND = records.verdict()
BROKEN = records.verdict(dane=DomainDane.BROKEN, outcome=DomainOutcome.FAIL, reasons=(Reason.TLSA_MISMATCH,), text="no")
UNKNOWN = records.verdict(dane=DomainDane.UNKNOWN, outcome=DomainOutcome.INCONCLUSIVE)
ABSENT = records.verdict(dane=DomainDane.NO_MAIL, outcome=DomainOutcome.NO_MAIL, reasons=(Reason.NXDOMAIN,))
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
        state: RunState = RunState.COMPLETE,
        label: str = "",
    ) -> None:
        """Add a run one day after the last."""
        day = timedelta(days=len(self.runs))
        path = self._directory / str(len(self.runs))
        with Store.create(path, records.header(started=NOON + day, label=label)) as store:
            for report, certs in hosts:
                store.put_host(replace(report, observed_at=NOON + day), certs)
            for record in domains:
                store.put_domain(replace(record, observed_at=NOON + day), [], {})
            store.finish(state, {}, NOON + day)
        self.runs.append(Run.open(path))

    def verdicts(self, *, state: RunState = RunState.COMPLETE, label: str = "", **domains: Any) -> None:
        """Add a run of ``NAME.example`` domains with these verdicts; None leaves a domain out of the list."""
        made = (records.domain(key=f"{name}.example", verdict=v) for name, v in domains.items() if v is not None)
        self.add(list(made), state=state, label=label)

    def compare(self, column: str = "") -> Comparison:
        """Compare all runs."""
        return compare(self.runs, column=column)


def on(name: str, *hosts: HostVerdict, owner: str = "") -> DomainRecord:
    """Return the domain ``NAME.example`` with these hosts; its verdict follows from their DANE verdicts."""
    seen = {host.dane for host in hosts}
    verdict = BROKEN if Dane.MISMATCH in seen else UNKNOWN if seen == {Dane.UNKNOWN} else SOUND
    target = replace(records.domain().target, fields={"Owner": owner} if owner else {})
    return records.domain(key=f"{name}.example", target=target, hosts=hosts, verdict=verdict)


def mx(host: str = "mx1.example", **parts: Any) -> HostVerdict:
    """Return the verdict of a host that is sound."""
    return records.host_verdict(host=host, report=f"{host}:25:smtp", **parts)


def bad(host: str = "mx1.example") -> HostVerdict:
    """Return the verdict of a host whose TLSA records match nothing."""
    return mx(host, dane=Dane.MISMATCH, sender=Sender.DEFER, reasons=(Reason.TLSA_MISMATCH,), text="no match")


def down(host: str = "mx1.example") -> HostVerdict:
    """Return the verdict of a host that does not answer."""
    reasons = (Reason.HOST_UNREACHABLE, Reason.CONNECT_TIMEOUT)
    return mx(
        host, dane=Dane.UNKNOWN, sender=Sender.DEFER, conclusive=False, votes=False, endpoints=(), reasons=reasons
    )


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
