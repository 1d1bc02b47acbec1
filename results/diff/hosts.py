"""The changes at MX hosts over several runs: server certificates, TLSA records and rollovers."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from results.diff.rollover import HostObservation, RolloverClass, replaced, rollovers
from results.diff.states import HostState
from results.store.reader import Run
from scanner.core.tlsa import presentation
from scanner.facts import CertFacts, TLSARecord


@dataclass(frozen=True, slots=True)
class LeafSummary:
    """The digest, subject, issuer and expiry of a host's server certificate."""

    sha256: str
    subject: str
    issuer: str
    not_after: datetime | None


@dataclass(frozen=True, slots=True)
class CertificateChange:
    """A host whose server certificates changed.

    ``domains`` is the number of domains in the newest run that use the host.
    """

    host: str
    domains: int
    old: tuple[LeafSummary, ...]
    new: tuple[LeafSummary, ...]
    same_key: bool


@dataclass(frozen=True, slots=True)
class TLSAChange:
    """A host whose secure TLSA records changed; ``change`` is ``introduced``, ``withdrawn`` or ``changed``."""

    host: str
    domains: int
    change: str
    added: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HostRollover:
    """A certificate rollover at a host; the module ``results.diff.rollover`` defines the classes of rollovers."""

    host: str
    domains: int
    outcome: RolloverClass
    began: datetime
    ended: datetime | None
    overlap: bool | None


@dataclass(frozen=True, slots=True)
class ExpiringCertificate:
    """A host whose server certificate expired before the end of the newest run or expires soon after the end."""

    host: str
    domains: int
    not_after: datetime
    subject: str


@dataclass(slots=True)
class HostComparison:
    """The changes at MX hosts that ``HostChanges`` collected.

    The hosts with the most domains are first; in ``expiring``, the hosts with the earliest expiry are first.
    """

    certificates: list[CertificateChange] = field(default_factory=list)
    tlsa: list[TLSAChange] = field(default_factory=list)
    rollovers: list[HostRollover] = field(default_factory=list)
    expiring: list[ExpiringCertificate] = field(default_factory=list)


class HostChanges:
    """Collector of the changes at MX hosts.

    The memory used grows with the number of changed hosts and the number of server certificates in the newest run.
    """

    def __init__(self, affected: Counter[str]) -> None:
        """Create an empty collector.

        ``affected`` maps the report key of a host to the number of domains that use the host in the newest run.
        """
        self._affected = affected
        self._changed: list[tuple[HostState, ...]] = []
        self._leaves: dict[bytes, list[tuple[str, int]]] = {}

    def add(self, states: Sequence[HostState | None]) -> None:
        """Add the states of one host in all runs.

        Args:
            states: the state of the host in each run, None for a run without the host. A host that the newest run does
                not contain is ignored.
        """
        new = states[-1]
        if new is None:
            return
        for leaf in new.leaves:
            row = (new.host, self._affected[new.key])
            self._leaves.setdefault(bytes.fromhex(leaf), []).append(row)
        known = tuple(state for state in states if state is not None)
        if len(_distinct(known, records=True)) > 1 or len(_distinct(known, records=False)) > 1:
            self._changed.append(known)

    def judge(self, runs: Sequence[Run], soon: datetime) -> HostComparison:
        """Read the certificates of the changed hosts and return the changes.

        Args:
            runs: the compared runs, in the order of time.
            soon: the time before which a certificate has to expire to be included in ``HostComparison.expiring``.

        Raises:
            StoreError: a file of a run cannot be read.
        """
        certs = self._certificates(runs)
        found = HostComparison(expiring=self._expiring(runs[-1], soon))
        for states in self._changed:
            domains = self._affected[states[-1].key]
            found.certificates += _certificate_change(states, domains, certs)
            found.tlsa += _tlsa_change(states, domains)
            found.rollovers += _rollovers(states, domains, certs)
        for rows in (found.certificates, found.tlsa, found.rollovers):
            rows.sort(key=lambda row: (-row.domains, row.host))
        return found

    def _certificates(self, runs: Sequence[Run]) -> dict[str, CertFacts]:
        chains = (chain for states in self._changed for state in states for chain in state.chains.values())
        wanted = {digest for chain in chains for digest in chain}
        return {cert.sha256: cert for run in runs for cert in run.certs() if cert.sha256 in wanted}

    def _expiring(self, run: Run, soon: datetime) -> list[ExpiringCertificate]:
        rows = [
            ExpiringCertificate(host, domains, cert.not_after, cert.subject)
            for cert in run.certs()
            if cert.not_after is not None and cert.not_after < soon
            for host, domains in self._leaves.get(bytes.fromhex(cert.sha256), ())
        ]
        return sorted(rows, key=lambda row: (row.not_after, row.host))


def _distinct(states: Sequence[HostState], *, records: bool) -> set[object]:
    if records:
        return {state.records for state in states if state.records is not None}
    return {frozenset(state.chains.items()) for state in states if state.chains}


def _leaf(digest: str, certs: dict[str, CertFacts]) -> LeafSummary:
    cert = certs.get(digest)
    return LeafSummary(digest, cert.subject, cert.issuer, cert.not_after) if cert else LeafSummary(digest, "", "", None)


def _shown(state: HostState, certs: dict[str, CertFacts]) -> dict[str, tuple[CertFacts, ...]]:
    """Return the certificate chains of a host by address; a chain is omitted if the run lacks one of its certificates.

    A run can lack certificates after a crash of the scan.
    """
    chains = state.chains.items()
    return {address: tuple(certs[d] for d in chain) for address, chain in chains if all(d in certs for d in chain)}


def _certificate_change(
    states: Sequence[HostState], domains: int, certs: dict[str, CertFacts]
) -> Iterator[CertificateChange]:
    """Compare a host's certificates in the newest run with the host's certificates in an earlier run.

    The earlier run is the latest earlier run that contains certificates of the host.
    """
    *earlier, new = states
    old = next((state for state in reversed(earlier) if state.chains), None)
    if old is None or not new.chains or not replaced(_shown(old, certs), _shown(new, certs)):
        return
    keys = [{certs[d].spki_sha256 for d in state.leaves if d in certs} for state in (old, new)]
    gone, come = sorted(old.leaves - new.leaves), sorted(new.leaves - old.leaves)
    yield CertificateChange(
        host=new.host,
        domains=domains,
        old=tuple(_leaf(digest, certs) for digest in gone),
        new=tuple(_leaf(digest, certs) for digest in come),
        same_key=keys[0] == keys[1],
    )


def _tlsa_change(states: Sequence[HostState], domains: int) -> Iterator[TLSAChange]:
    """Compare a host's TLSA records in the newest run with the records of its latest earlier conclusive lookup."""
    *earlier, new = states
    known = next((state.records for state in reversed(earlier) if state.records is not None), None)
    if known is None or new.records is None or known == new.records:
        return
    change = "changed" if known and new.records else "introduced" if new.records else "withdrawn"
    yield TLSAChange(new.host, domains, change, _new_of(new.records, known), _new_of(known, new.records))


def _new_of(records: Sequence[TLSARecord], others: Sequence[TLSARecord]) -> tuple[str, ...]:
    kept = (record for record in records if record not in others)
    return tuple(presentation(record) for record in kept)


def _rollovers(states: Sequence[HostState], domains: int, certs: dict[str, CertFacts]) -> Iterator[HostRollover]:
    for seen in _periods(states, certs):
        for found in rollovers(seen):
            yield HostRollover(states[-1].host, domains, found.outcome, found.began, found.ended, found.overlap)


def _periods(states: Sequence[HostState], certs: dict[str, CertFacts]) -> list[list[HostObservation]]:
    """Return the observations of a host, divided into periods in which the host had usable TLSA records.

    A run in which the host has no usable TLSA record ends a period. A failed TLSA lookup does not end a period.
    """
    periods: list[list[HostObservation]] = [[]]
    for state in states:
        chains = _shown(state, certs)
        if state.records is not None and not state.usable:
            periods.append([])
        elif state.records and chains:
            periods[-1].append(HostObservation(state.at, state.records, chains))
    return periods
