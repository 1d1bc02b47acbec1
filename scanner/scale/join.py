"""The join of the MX hosts of all parts of a scan: one report for each host in the run directory.

A host that lies in several parts of a scan has a report in each part, with the addresses of that part. Each part of the
scan looks up the TLSA records of its hosts. If the TLSA records of two parts differ, a key rollover may have taken
place between the lookups, and the merged report could show a mismatch that never existed. A host whose TLSA records
differ between parts is examined again as a whole, in an additional part of the scan.

The JSON lines of certificates and of hosts that lie in one part only are copied without parsing. The JSON lines of
hosts that may lie in several parts are distributed to files by a hash of the host, so that only the hosts of one file
are in memory at the same time.
"""

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from results.store import codec, line_keys
from results.store.files import StoreError, naming
from results.store.last_lines import last_lines
from results.store.reader import lines_path
from results.store.writer import Store
from scanner.core import sampling
from scanner.model import HostReport
from scanner.run.addresses import address_order
from scanner.scale.partition import digest, position
from scanner.scale.places import write_places
from scanner.scale.plan import GROUPS, MOST_PARTS, part_line
from scanner.scale.plan_files import (
    PartLine,
    PlanIndex,
    PlanPlace,
    SplitLine,
    decoded,
    read_lines,
    whole_file,
    write_lines,
)
from targets.partition import Buckets, bucket_name

AGAIN_PART = MOST_PARTS + 1
"""Number of the additional part of a scan that examines hosts again; the parts of the plan have smaller numbers."""

WAITING = 2000
"""Number of lines of hosts (about 5 KB each) that are kept in memory before the lines are appended to files."""

_PIECES, _MERGED, _SPLIT = "pieces", "merged.jsonl", "split"


def merged(split: SplitLine, reports: Sequence[HostReport]) -> HostReport:
    """Return the merged report of a host that lies in several parts of a scan.

    Args:
        split: the host with all its addresses.
        reports: the reports of the host in the parts, at least one.
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
        inferred=next((report.inferred for report in reports if report.inferred is not None), None),
    )


def agree(split: SplitLine, reports: Sequence[HostReport]) -> bool:
    """Return whether each part that contains a host has a report, and all reports have the same TLSA result.

    If the report of a part is missing, for example after an internal error, the addresses of that part were not
    examined. If the report of a part is inferred from another host (``--sni-sample``), all reports must be clean.
    """
    found = {(frozenset(report.tlsa.records), report.tlsa.dane, report.tlsa.base_domain) for report in reports}
    inferred = any(report.inferred is not None for report in reports)
    clean = not inferred or all(sampling.clean_result(report.endpoints) is not None for report in reports)
    return len(reports) == len(split.parts) and len(found) == 1 and clean


# --- hosts in several parts -------------------------------------------------------------------------------------


class _Keys:
    """A set of keys of hosts, stored as hashes of eight octets; a key with the hash of another key is found as well."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._hashes = array("Q", sorted(array("Q", map(digest, keys))))

    def __contains__(self, key: str) -> bool:
        return position(self._hashes, digest(key)) is not None


def _split_keys(place: PlanPlace) -> _Keys:
    return _Keys(line.key for line in read_lines(place.split, SplitLine))


@dataclass(slots=True)
class _Piece:
    """The lines of a host that may lie in several parts: its line in ``split.jsonl``, and its report in each part."""

    split: SplitLine | None = None
    reports: dict[int, bytes] = field(default_factory=dict)


def write_again(place: PlanPlace, index: PlanIndex, late: Sequence[PartLine] = ()) -> int:
    """Merge the reports of hosts in several parts of a scan, and return the number of hosts to examine again.

    Hosts are examined again if the reports of their parts disagree, and hosts in ``late`` because their addresses were
    found after the plan was made. The merged reports are written to the directory of the plan. The file of the hosts to
    examine again is written last, so that its existence shows that this function has ended.

    Raises:
        StoreError: a file cannot be read or written.
    """
    _distribute(place, index)
    merged_path, known = place.path / _MERGED, {line.key for line in late}
    paths = {entry.number: lines_path(place.part(entry.number), "hosts") for entry in index.parts}

    def lines() -> Iterator[PartLine]:
        yield from late
        with whole_file(merged_path) as file:
            for bucket in range(GROUPS):
                for piece in _pieces(place.path / bucket_name(_PIECES, bucket)):
                    if piece.split is None:
                        file.writelines(piece.reports.values())
                        continue
                    reports = [decoded(HostReport, line, paths[part]) for part, line in piece.reports.items()]
                    if agree(piece.split, reports):
                        file.write(codec.encode(merged(piece.split, reports)))
                    elif piece.split.key not in known:
                        yield part_line(piece.split.key, piece.split.line, piece.split.line.chosen, whole=True)

    count = write_lines(place.file("part", AGAIN_PART), lines())
    _clear(place)
    return count


def _clear(place: PlanPlace) -> None:
    for bucket in range(GROUPS):
        (place.path / bucket_name(_PIECES, bucket)).unlink(missing_ok=True)


def _distribute(place: PlanPlace, index: PlanIndex) -> None:
    """Write the lines of hosts in several parts to files by a hash of the host, as ``key TAB part TAB line``."""
    _clear(place)
    keys, pieces, count = _split_keys(place), Buckets(place.path, GROUPS), 0

    def put(key: str, part: object, line: bytes) -> None:
        nonlocal count
        pieces.put(_PIECES, [b"%b\t%b\t%b" % (key.encode(), str(part).encode(), line.rstrip(b"\n"))])
        count += 1
        if not count % WAITING:
            pieces.flush()

    with naming(place.path):
        for split in read_lines(place.split, SplitLine):
            put(split.key, _SPLIT, codec.encode(split))
        for entry in index.parts:
            for key, line in _hosts(place, entry.number):
                if key in keys:
                    put(key, entry.number, line)
        pieces.flush()


def _pieces(path: Path) -> Iterator[_Piece]:
    """Yield each host of a file that ``_distribute`` wrote, with its lines."""
    found: defaultdict[bytes, _Piece] = defaultdict(_Piece)
    if path.exists():
        with naming(path), path.open("rb") as file:
            for line in file:
                key, part, octets = line.split(b"\t", 2)
                if part == _SPLIT.encode():
                    found[key].split = codec.decode(SplitLine, octets)
                else:
                    found[key].reports[int(part)] = octets
    yield from found.values()


# --- all hosts --------------------------------------------------------------------------------------------------


def join_hosts(place: PlanPlace, index: PlanIndex, store: Store) -> None:
    """Write the reports of all hosts and their certificates to the run, and the indexes of both files.

    A repeated call does not write a line a second time.

    Raises:
        StoreError: a file cannot be read or written.
    """
    keys, again = _split_keys(place), AGAIN_PART
    parts = [entry.number for entry in index.parts] + [again] * place.part(again).exists()
    for number in parts:
        path = lines_path(place.part(number), "certs")
        for line in last_lines(path):
            _copy(path, line, store.copy_cert)
    whole = {key for number in parts if number == again for key, _ in _hosts(place, number)}
    for number in parts:
        path = lines_path(place.part(number), "hosts")
        for key, line in _hosts(place, number):
            if number == again or not (key in keys or key in whole):
                _copy(path, line, store.copy_host)
    path = place.path / _MERGED
    with naming(path), path.open("rb") as file:
        for line in file:
            if not whole or line_keys.key_of(line) not in whole:
                _copy(path, line, store.copy_host)
    store.sync()
    for name in ("hosts", "certs"):
        write_places(lines_path(place.run, name), place.places(name))


def _hosts(place: PlanPlace, number: int) -> Iterator[tuple[str, bytes]]:
    """Yield the key and the last report line of each host of a part of a scan."""
    for line in last_lines(lines_path(place.part(number), "hosts")):
        yield line_keys.key_of(line), line


def _copy(path: Path, line: bytes, copy: Callable[[bytes], None]) -> None:
    try:
        copy(line)
    except ValueError as error:
        raise StoreError(f"{path}: {error}") from None
