"""The runs of a directory with which a run is compared."""

from pathlib import Path

import pytest

from results.diff.series import series
from results.store.files import StoreError
from results.store.reader import Run
from tests.unit.results.diff.runs import SOUND, Runs


def open_run(path: str) -> Run:
    return Run.open(Path(path))


def names(found: list[Run]) -> list[str]:
    return [run.path.name for run in found]


def test_the_latest_runs_of_the_same_label_before_a_run(runs: Runs, tmp_path: Path) -> None:
    for label in ("", "", "study", "", ""):
        runs.verdicts(a=SOUND, label=label)
    (tmp_path / "latest").symlink_to("4")
    (tmp_path / "other").mkdir()
    (tmp_path / "file").write_text("")
    assert names(series(tmp_path, None, 7, open_run)[0]) == ["0", "1", "3", "4"]
    assert names(series(tmp_path, None, 2, open_run)[0]) == ["1", "3", "4"]
    assert names(series(tmp_path, runs.runs[3], 7, open_run)[0]) == ["0", "1", "3"]
    assert names(series(tmp_path, runs.runs[2], 7, open_run)[0]) == ["2"]
    latest = open_run(str(tmp_path / "latest"))
    assert names(series(tmp_path, latest, 7, open_run)[0]) == ["0", "1", "3", "latest"]


def test_a_run_that_cannot_be_read_is_left_out_with_a_message(runs: Runs, tmp_path: Path) -> None:
    runs.verdicts(a=SOUND)
    runs.verdicts(a=SOUND)
    (tmp_path / "0" / "run.json").write_text("{")
    found, (message,) = series(tmp_path, None, 7, open_run)
    assert names(found) == ["1"]
    assert message.endswith("; this run is left out")


def test_a_directory_without_runs(tmp_path: Path) -> None:
    assert series(tmp_path, None, 7, open_run) == ([], [])
    with pytest.raises(StoreError, match="missing: No such file"):
        series(tmp_path / "missing", None, 7, open_run)
