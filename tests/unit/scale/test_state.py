"""The state of a scan in parts, from its files."""

from pathlib import Path

import pytest

from results.store.files import StoreError
from results.store.writer import Store
from scanner.scale.state import not_judged, scan_state
from scanner.vocabulary import RunState
from tests.unit import records
from tests.unit.fakes import DOMAIN, MX1, OK_RECORD, V4, World, host, mx, shakes
from tests.unit.scale.inline import InlineWorkers, PartScan, use


def test_a_complete_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(mx() | host(MX1, V4, records=[OK_RECORD]), {V4: shakes()})
    use(world, monkeypatch)
    PartScan(tmp_path / "run", (DOMAIN,)).go(InlineWorkers())
    found = scan_state(tmp_path / "run")
    assert (found.domains, found.stage) == (1, "retry passes, or judging domains")
    (part,) = found.parts
    assert (part.number, part.round, part.hosts, part.addresses) == (1, 1, 1, 1)
    assert (part.state, part.again, part.pending) == (RunState.COMPLETE, 0, 0)
    with Store.resume(tmp_path / "run") as store:
        store.finish(RunState.COMPLETE, {"domains": 1}, records.NOON)
    assert scan_state(tmp_path / "run").stage == "complete"


def test_a_scan_in_one_process(tmp_path: Path) -> None:
    Store.create(tmp_path / "run", records.header()).close()
    found = scan_state(tmp_path / "run")
    assert (found.state, found.stage, found.parts) == (RunState.INTERRUPTED, "one process", ())


def test_a_scan_that_looks_up_names(tmp_path: Path) -> None:
    with Store.create(tmp_path / "run", records.header(state=RunState.RUNNING)):
        (tmp_path / "run" / "plan").mkdir()
        found = scan_state(tmp_path / "run")
        assert (found.state, found.stage) == (RunState.RUNNING, "looking up MX records")
        (tmp_path / "run" / "plan" / "addresses-000.jsonl").touch()
        assert scan_state(tmp_path / "run").stage == "looking up addresses"


def test_a_part_that_was_not_begun_and_a_part_that_a_process_works_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(World(mx() | host(MX1, V4, records=[OK_RECORD]), {V4: shakes()}), monkeypatch)
    PartScan(tmp_path / "run", (DOMAIN,)).go(InlineWorkers())
    part = tmp_path / "run" / "parts" / "001"
    with Store.resume(part) as store:
        store.begin("1")
        assert scan_state(tmp_path / "run").parts[0].state is RunState.RUNNING
    (part / "spool" / "flags.json").unlink()
    found = scan_state(tmp_path / "run")
    assert (found.parts[0].state, found.stage) == (None, "examining MX hosts, 1 parts left")


def test_one_line_states_that_no_domain_is_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "run"
    use(World(mx() | host(MX1, V4, records=[OK_RECORD]), {V4: shakes()}), monkeypatch)
    PartScan(run, (DOMAIN,)).go(InlineWorkers())
    assert not_judged(run) == ""
    (run / "domains.jsonl").write_bytes(b"")
    text = f"{run}: no domain is judged yet (retry passes, or judging domains, 1 of 1 parts complete)"
    assert not_judged(run) == f"{text}; mxsweep status {run} shows the parts"
    (run / "plan" / "index.json").unlink()
    assert "no domain is judged yet (looking up addresses);" in not_judged(run)
    with Store.resume(run) as store:
        store.finish(RunState.COMPLETE, {"domains": 0}, records.NOON)
    assert not_judged(run) == ""
    Store.create(tmp_path / "other", records.header()).close()
    assert not_judged(tmp_path / "other") == ""


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no run here"):
        scan_state(tmp_path)
