"""``mxsweep status``: the state of a run as text and as JSON."""

import json
from pathlib import Path

import pytest

from results.store.writer import Store
from scanner.cli.commands import main
from scanner.cli.errors import Exit
from tests.unit import records
from tests.unit.fakes import DOMAIN, MX1, OK_RECORD, V4, World, host, mx, shakes
from tests.unit.scale.inline import InlineWorkers, PartScan, use


def test_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    use(World(mx() | host(MX1, V4, records=[OK_RECORD]), {V4: shakes()}), monkeypatch)
    run = tmp_path / "run"
    PartScan(run, (DOMAIN,)).go(InlineWorkers())
    assert main(["status", str(run)]) == Exit.DONE
    first, heads, row = capsys.readouterr().out.splitlines()
    assert first.endswith("run: interrupted; retry passes, or judging domains, 1 domains")
    assert heads.split() == ["part", "round", "state", "pass", "hosts", "addresses", "probed", "to", "retry", "machine"]
    assert row.split()[:8] == ["1", "1", "complete", "0", "1", "1", "0", "0"]
    assert main(["status", str(run), "--json"]) == Exit.DONE
    assert json.loads(capsys.readouterr().out)["parts"][0]["state"] == "complete"


def test_a_scan_in_one_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Store.create(tmp_path / "run", records.header()).close()
    assert main(["status", str(tmp_path / "run")]) == Exit.DONE
    assert "interrupted; one process" in capsys.readouterr().out


def test_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", str(tmp_path)]) == Exit.USAGE
    assert "no run here" in capsys.readouterr().err
