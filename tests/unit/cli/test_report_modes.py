"""The options of report that do something besides reports: --rejudge with --at, --paper and --metrics."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from results.store.reader import Run
from results.store.writer import Store
from scanner.cli import report_modes as analysis
from scanner.cli.commands import main
from scanner.cli.errors import CliError
from scanner.vocabulary import RunState
from tests.unit import pki, records
from tests.unit.records import DIGEST, NOON
from tests.unit.results.diff.test_rejudge import AT, settled


def test_rejudge_writes_json(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    run = settled(tmp_path, pki.tlsa(2, 1, 1, pki.INTER))
    bundle = tmp_path / "root.pem"
    bundle.write_bytes(pki.ROOT.pem)
    at = (AT + timedelta(days=21)).isoformat()
    analysis.rejudge(run, at=at, level=None, ca_file=str(bundle), ca_path=None, form="json")
    document = json.loads(capfdbinary.readouterr().out)
    assert document["transitions"]["dane"] == {"protected > broken": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-31", datetime(2026, 12, 31, tzinfo=UTC)),
        ("2026-12-31T06:30", datetime(2026, 12, 31, 6, 30, tzinfo=UTC)),
        ("2026-12-31T06:30+02:00", datetime(2026, 12, 31, 4, 30, tzinfo=UTC)),
    ],
)
def test_times_in_the_forms_of_the_command_line(text: str, expected: datetime) -> None:
    assert analysis.moment(text) == expected


def test_a_time_from_now() -> None:
    assert timedelta(days=29) < analysis.moment("+30d") - datetime.now(UTC) < timedelta(days=31)


@pytest.mark.parametrize("text", ["", "tomorrow", "30d", "+d", "2026-13-01", "+999999d"])
def test_a_text_that_is_not_a_time_is_an_error(text: str) -> None:
    with pytest.raises(CliError, match="--at"):
        analysis.moment(text)


def test_a_missing_file_of_trusted_roots_is_an_error(tmp_path: Path) -> None:
    with Store.create(tmp_path / "run", records.header(settings={"ca_file": str(tmp_path / "gone.pem")})) as store:
        store.finish(RunState.COMPLETE, {}, AT)
    run = Run.open(tmp_path / "run")
    with pytest.raises(CliError, match=r"gone\.pem"):
        analysis.rejudge(run, at=None, level=None, ca_file=None, ca_path=None, form="text")


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
