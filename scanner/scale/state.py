"""The state of a scan in many processes (``--dask``), read only from the files of the run."""

from dataclasses import dataclass, replace
from pathlib import Path

from results.store.collection import stored_run
from results.store.reader import lines_path
from scanner.scale import join, part_run
from scanner.scale.plan_files import PartEntry, PlanPlace
from scanner.vocabulary import RunState


@dataclass(frozen=True, slots=True)
class PartState:
    """The state of a part of a scan with ``--dask``.

    ``state`` is the state of the part's run, None if the part was not begun. ``again`` is the number of the last
    complete pass over the part (0 for the first pass), or None if no pass is complete. ``pending`` is the number of MX
    hosts of the part that the next retry pass examines again; ``machine`` is the last machine that worked on the part.
    """

    number: int
    round: int
    hosts: int
    addresses: int
    state: RunState | None = None
    again: int | None = None
    pending: int = 0
    endpoints_probed: int = 0
    machine: str = ""


@dataclass(frozen=True, slots=True)
class ScanState:
    """The state of a run, the stage of its scan as text, and the states of its parts (none without ``--dask``)."""

    run: str
    state: RunState
    stage: str
    domains: int | None
    parts: tuple[PartState, ...] = ()


def scan_state(path: Path) -> ScanState:
    """Return the state of the run in the directory ``path``.

    Raises:
        StoreError: the directory does not contain a run, or a file cannot be read.
    """
    found = stored_run(path)
    place = PlanPlace(path)
    if not place.path.is_dir():
        return ScanState(str(path), found.state, "one process", found.header.totals.get("domains"))
    index = place.index()
    if index is None:
        stage = "looking up addresses" if any(place.path.glob("addresses-*")) else "looking up MX records"
        return ScanState(str(path), found.state, stage, None)
    parts = tuple(_part_state(place, entry) for entry in index.parts)
    again = join.AGAIN_PART
    if place.part(again).is_dir():
        parts = (*parts, _part_state(place, PartEntry(again, 3, 0, 0)))
    return ScanState(str(path), found.state, _stage(found.state, parts), index.domains, parts)


def not_judged(path: Path) -> str:
    """Return a message about a scan with ``--dask`` of which no domain has been judged; empty for every other run.

    Raises:
        StoreError: a file cannot be read.
    """
    judged = lines_path(path, "domains")
    if not PlanPlace(path).path.is_dir() or (judged.exists() and judged.stat().st_size):
        return ""
    found = scan_state(path)
    if found.state is RunState.COMPLETE:
        return ""
    done = sum(part.state is RunState.COMPLETE for part in found.parts)
    parts = f", {done} of {len(found.parts)} parts complete" if found.parts else ""
    return f"{path}: no domain is judged yet ({found.stage}{parts}); mxsweep status {path} shows the parts"


def _stage(state: RunState, parts: tuple[PartState, ...]) -> str:
    if state is RunState.COMPLETE:
        return "complete"
    left = sum(part.state is not RunState.COMPLETE for part in parts)
    return f"examining MX hosts, {left} parts left" if left else "retry passes, or judging domains"


def _part_state(place: PlanPlace, entry: PartEntry) -> PartState:
    known = PartState(entry.number, entry.round, entry.hosts, entry.addresses)
    run = place.part(entry.number)
    if part_run.header_if_begun(run) is None:
        return known
    found = stored_run(run)
    totals, workers = found.header.totals, found.header.workers
    last = totals.get("pass", -1)
    return replace(
        known,
        state=found.state,
        again=None if last < 0 else last,
        pending=totals.get("pending", 0),
        endpoints_probed=totals.get("endpoints_probed", 0),
        machine=workers[-1].hostname if workers else found.header.vantage.hostname,
    )
