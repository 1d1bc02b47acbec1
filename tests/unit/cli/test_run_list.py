"""``mxsweep runs`` and ``mxsweep prune``: their output, and the files that are left."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from scanner.cli import run_list
from scanner.cli.commands import main
from scanner.cli.errors import Exit
from scanner.vocabulary import RunState
from tests.unit.records import NOON
from tests.unit.results.store.test_collection import made


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Three complete runs, the last of which is interrupted, and a broken one."""
    for day, state in enumerate((RunState.COMPLETE, RunState.COMPLETE, RunState.COMPLETE, RunState.INTERRUPTED)):
        made(tmp_path / f"night-{day}", NOON + timedelta(days=day), state, label="own\x1b[31m")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "run.json").write_text("{")
    return tmp_path


def test_the_list_of_runs(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(directory)]) == Exit.DONE
    out, err = capsys.readouterr()
    head, *rows = out.splitlines()
    assert head.split() == " ".join(run_list._HEADS).split()
    assert [row.split()[0] for row in rows] == [f"night-{day}" for day in range(4)]
    assert rows[0].split()[-3:] == ["complete", "2", "1"]
    assert rows[3].split()[-3:] == ["interrupted", "2", "1"]
    assert "\x1b" not in out
    assert err.startswith("mxsweep: ")
    assert "bad/run.json: " in err


def test_the_list_on_a_narrow_terminal(
    directory: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert main(["runs", str(directory)]) == Exit.DONE
    lines = capsys.readouterr().out.splitlines()
    assert [line.strip() for line in lines[:1] + lines[3:5]] == ["night-0", "complete", "2 domains, 1 with broken DANE"]
    assert max(map(len, lines)) <= 40


def test_the_list_as_json(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(directory), "--json"]) == Exit.DONE
    rows = json.loads(capsys.readouterr().out)
    assert [(row["run"], row["domains"], row["broken"], row["active"]) for row in rows] == [
        (f"night-{day}", 2, 1, False) for day in range(4)
    ]


def test_prune(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["prune", str(directory), "--keep", "2", "--keep-weekly", "0", "--compress"]
    expected = [f"remove {directory}/night-0", f"compress {directory}/night-1"]
    assert main([*command, "--dry-run"]) == Exit.DONE
    assert capsys.readouterr().out.splitlines() == [f"would {line}" for line in expected]
    assert (directory / "night-0").exists()
    assert main(command) == Exit.DONE
    out, err = capsys.readouterr()
    assert out.splitlines() == [f"removed {directory}/night-0", f"compressed {directory}/night-1"]
    assert "this run is kept" in err
    assert sorted(path.name for path in directory.iterdir()) == ["bad", "night-1", "night-2", "night-3"]
    assert (directory / "night-1" / "domains.jsonl.zst").exists()
    assert (directory / "night-2" / "domains.jsonl").exists()
    assert main(command) == Exit.DONE
    assert capsys.readouterr().out == ""


def test_a_directory_that_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("runs", "prune"):
        assert main([command, str(tmp_path / "none")]) == Exit.USAGE
        assert capsys.readouterr().err == f"mxsweep: {tmp_path}/none: No such file or directory\n"


def test_a_killed_run_is_interrupted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made(tmp_path / "night", NOON, RunState.INTERRUPTED, label="own")
    header = tmp_path / "night" / "run.json"
    header.write_text(header.read_text().replace("interrupted", "running"))  # as kill -9 leaves it
    assert main(["runs", str(tmp_path)]) == Exit.DONE
    assert "interrupted" in capsys.readouterr().out
    assert main(["runs", str(tmp_path), "--json"]) == Exit.DONE
    assert json.loads(capsys.readouterr().out)[0]["state"] == "interrupted"
