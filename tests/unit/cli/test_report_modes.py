"""The commands diff, report --rejudge, export and query on stored runs."""

import json
import sys
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from results.store.reader import Run
from results.store.writer import Store
from scanner.cli import report_modes as analysis
from scanner.cli.errors import CliError, Exit
from scanner.cli.report_modes import diff as command
from scanner.cli.report_modes import export as export_command
from scanner.cli.report_modes import query as query_command
from scanner.vocabulary import RunState
from tests.unit import pki, records
from tests.unit.results.diff.runs import BROKEN, SOUND, Runs
from tests.unit.results.diff.test_rejudge import AT, settled
from tests.unit.results.export.conftest import FORMULA, written

needs_duckdb = pytest.mark.skipif(find_spec("duckdb") is None, reason="DuckDB is an extra")


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


@pytest.fixture
def export_run(tmp_path: Path) -> Run:
    return written(tmp_path / "run")


def test_diff_exits_4_for_newly_broken_domains_only(runs: Runs) -> None:
    runs.verdicts(a=SOUND, b=BROKEN)
    runs.verdicts(a=BROKEN, b=BROKEN)
    runs.verdicts(a=BROKEN, b=BROKEN, c=BROKEN)
    one, two, three = (str(run.path) for run in runs.runs)
    invoke = CliRunner().invoke
    assert invoke(command, [one, two, "--fail-on", "new-broken"], standalone_mode=False).return_value == 4
    assert invoke(command, [one, two], standalone_mode=False).return_value == 0
    assert invoke(command, [two, three, "--fail-on", "new-broken"], standalone_mode=False).return_value == 0


@pytest.mark.parametrize("form", ["text", "json", "markdown", "html"])
def test_diff_in_every_format(runs: Runs, form: str) -> None:
    runs.verdicts(a=SOUND)
    runs.verdicts(a=BROKEN)
    result = CliRunner().invoke(command, [*(str(run.path) for run in runs.runs), "--format", form])
    assert "a.example" in result.output


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


def ask(export_run: Run, *arguments: str) -> Result:
    return CliRunner().invoke(query_command, [str(export_run.path), *arguments], standalone_mode=False)


@needs_duckdb
def test_query_in_every_format(export_run: Run) -> None:
    lines = ask(
        export_run, "SELECT domain, rank, dane = 'broken' AS b FROM domains ORDER BY 1", "--format", "json"
    ).output
    assert [json.loads(line) for line in lines.splitlines()] == [
        {"domain": "a.example", "rank": 1234, "b": False},
        {"domain": "b.example", "rank": 1234, "b": True},
    ]
    assert (
        ask(export_run, "SELECT 1 AS x, text FROM domains", "--format", "csv").output == f"x,text\n1,\n1,'{FORMULA}\n"
    )
    assert "b.example" in ask(export_run, "SELECT domain FROM domains").output


@needs_duckdb
def test_wrong_sql_is_a_usage_error(export_run: Run) -> None:
    error = ask(export_run, "SELECT nothing FROM nowhere").exception
    assert isinstance(error, CliError)
    assert "nowhere" in str(error)
    assert error.code is Exit.USAGE


def test_without_duckdb_the_message_has_the_command_to_install_it(
    export_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)  # what an import statement takes for "not installed"
    for result in (
        ask(export_run, "SELECT 1"),
        CliRunner().invoke(
            export_command,
            [str(export_run.path), "--format", "parquet", "-o", str(tmp_path / "p")],
            standalone_mode=False,
        ),
    ):
        assert isinstance(result.exception, CliError)
        assert "pip install 'mxsweep[export]'" in str(result.exception)
        assert result.exception.code is Exit.UNFIT
    result = CliRunner().invoke(
        export_command, [str(export_run.path), "-o", str(tmp_path / "csv")], standalone_mode=False
    )
    assert result.exception is None
