"""What ``report`` does besides reports: times of ``--at``, and the files of ``--paper`` and ``--metrics``."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from results.store.writer import Store
from scanner.cli.commands import main
from scanner.cli.errors import CliError
from scanner.cli.report_modes import moment
from scanner.vocabulary import RunState
from tests.unit import records
from tests.unit.records import DIGEST, NOON


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-31", datetime(2026, 12, 31, tzinfo=UTC)),
        ("2026-12-31T06:30", datetime(2026, 12, 31, 6, 30, tzinfo=UTC)),
        ("2026-12-31T06:30+02:00", datetime(2026, 12, 31, 4, 30, tzinfo=UTC)),
    ],
)
def test_times_are_utc_unless_they_name_a_zone(text: str, expected: datetime) -> None:
    assert moment(text) == expected


def test_a_time_from_now() -> None:
    assert timedelta(days=29) < moment("+30d") - datetime.now(UTC) < timedelta(days=31)


@pytest.mark.parametrize("text", ["", "tomorrow", "30d", "+d", "2026-13-01", "+999999d"])
def test_text_that_is_not_a_time(text: str) -> None:
    with pytest.raises(CliError, match="--at"):
        moment(text)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    with Store.create(tmp_path / "run", records.header()) as store:
        store.put_domain(records.domain(), [records.report()], {DIGEST: records.cert()})
        store.finish(RunState.COMPLETE, {}, NOON + timedelta(hours=1))
    return tmp_path / "run"


def test_paper_names_the_files_that_it_wrote(run: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(run), "--paper", "-o", str(tmp_path / "paper")]) == 0
    named = [Path(line) for line in capfd.readouterr().out.splitlines()]
    assert named
    assert set(named) == set((tmp_path / "paper").iterdir())


def test_metrics_are_written_to_a_file(run: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(run), "--metrics", str(tmp_path / "prom")]) == 0
    assert capfd.readouterr().out == ""
    assert (tmp_path / "prom").read_text().endswith("# EOF\n")
