"""The join of the MX hosts of all parts: one report for each host in the run directory.

A host that lies in several parts has a report in each part, with the addresses of that part. TLSA records are looked up
in each part. If the records differ, a rollover may have taken place between the lookups, and the merged report could
show a mismatch that never existed. A host with different TLSA records in its parts is therefore examined again as a
whole, in a part of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from results.store.by_key import Lookup
from results.store.reader import Run, lines_path
from results.store.writer import Store, digests_of
from scanner.facts import CertFacts
from scanner.model import HostReport
from scanner.run.addresses import address_order
from scanner.scale.plan import part_line
from scanner.scale.plan_files import PartLine, PlanIndex, PlanPlace, SplitLine, read_lines, write_lines


def merged(split: SplitLine, reports: Sequence[HostReport]) -> HostReport:
    """Return the report of a host that lies in several parts.

    Args:
        split: the host with all its addresses.
        reports: the reports of its parts, at least one.
    """
    by_address = {endpoint.address: endpoint for report in reports for endpoint in report.endpoints}
    skipped = {each.address: each for report in reports for each in report.skipped}
    skipped |= {each.address: each for each in split.line.skipped}
    return replace(
        reports[0],
        a=split.line.a,
        aaaa=split.line.aaaa,
        endpoints=tuple(by_address[address] for address in sorted(by_address, key=address_order)),
        skipped=tuple(skipped[address] for address in sorted(skipped, key=address_order)),
        observed_at=min(report.observed_at for report in reports),
        vantages=tuple(dict.fromkeys(each for report in reports for each in report.vantages)),
    )


def agree(split: SplitLine, reports: Sequence[HostReport]) -> bool:
    """Return whether every part of a host has a report, and the TLSA lookups of all parts have the same result.

    If the report of a part is missing, for example after an internal error, the addresses of that part were not
    examined.
    """
    found = {(report.tlsa.records, report.tlsa.dane, report.tlsa.base_domain) for report in reports}
    return len(reports) == len(split.parts) and len(found) == 1


class SplitHosts:
    """The reports of the hosts that lie in several parts; the keys of these hosts are in memory.

    Args:
        place: the directory of the plan of a run.
        index: the list of the parts of the plan; every part is complete.

    Raises:
        StoreError: a file cannot be read.
    """

    def __init__(self, place: PlanPlace, index: PlanIndex) -> None:
        self._place = place
        self.keys = {line.key for line in read_lines(place.split, SplitLine)}
        self._parts = {
            entry.number: Lookup(lines_path(place.part(entry.number), "hosts"), HostReport, self.keys)
            for entry in index.parts
            if self.keys
        }

    def reports(self) -> Iterator[tuple[SplitLine, list[HostReport]]]:
        """Yield each host with the reports of its parts."""
        for split in read_lines(self._place.split, SplitLine):
            found = (self._parts[number].get(split.key) for number in split.parts if number in self._parts)
            yield split, [report for report in found if report is not None]


def write_again(place: PlanPlace, index: PlanIndex) -> int:
    """Write the file of the part that examines again the hosts whose parts disagree, and return their number.

    Raises:
        StoreError: a file cannot be read or written.
    """

    def lines() -> Iterator[PartLine]:
        for split, reports in SplitHosts(place, index).reports():
            if not agree(split, reports):
                yield part_line(split.key, split.line, split.line.chosen, whole=True)

    return write_lines(place.file("part", again_number(index)), lines())


def again_number(index: PlanIndex) -> int:
    """Return the number of the part that examines again the hosts whose parts disagree."""
    return 1 + max((entry.number for entry in index.parts), default=0)


def join_hosts(place: PlanPlace, index: PlanIndex, store: Store) -> None:
    """Write the report of each host of all parts to the run, with its certificates; repeated calls write nothing.

    Raises:
        StoreError: a file cannot be read or written.
    """
    split = SplitHosts(place, index)
    again = place.part(again_number(index))
    whole: set[str] = set()
    if again.exists():
        whole = {report.key for report in _copy(Run.open(again), store, set())}
    for entry in index.parts:
        for _ in _copy(Run.open(place.part(entry.number)), store, split.keys):
            pass
    certs = {entry.number: _certs(place, entry.number) for entry in index.parts if split.keys}
    for line, reports in split.reports():
        if line.key not in whole and agree(line, reports):
            found = [cert for number in line.parts for cert in _found(certs[number], reports)]
            store.put_host(merged(line, reports), found)


def _copy(run: Run, store: Store, left_out: set[str]) -> Iterator[HostReport]:
    """Write the reports of a part to the run, except those of some hosts, and yield the written reports."""
    certs = Lookup(lines_path(run.path, "certs"), CertFacts)
    for report in run.hosts():
        if report.key not in left_out:
            store.put_host(report, _found(certs, [report]))
            yield report


def _certs(place: PlanPlace, number: int) -> Lookup[CertFacts]:
    return Lookup(lines_path(place.part(number), "certs"), CertFacts)


def _found(certs: Lookup[CertFacts], reports: Sequence[HostReport]) -> list[CertFacts]:
    found = (certs.get(digest) for report in reports for digest in digests_of(report))
    return [cert for cert in found if cert is not None]
