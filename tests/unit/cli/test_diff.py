"""The command diff on stored runs."""

from pathlib import Path

import pytest

from scanner.cli.commands import main
from tests.unit.results.diff.runs import BROKEN, SOUND, Runs, bad, mx, on


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


def test_diff_exits_4_for_newly_broken_domains_only(runs: Runs) -> None:
    runs.verdicts(a=SOUND, b=BROKEN)
    runs.verdicts(a=BROKEN, b=BROKEN)
    runs.verdicts(a=BROKEN, b=BROKEN, c=BROKEN)
    one, two, three = (str(run.path) for run in runs.runs)
    assert main(["diff", one, two, "--fail-on", "new-broken"]) == 4
    assert main(["diff", one, two]) == 0
    assert main(["diff", two, three, "--fail-on", "new-broken"]) == 0


@pytest.mark.parametrize("form", ["text", "json", "markdown", "html", "csv"])
def test_diff_in_every_format(runs: Runs, form: str, capfd: pytest.CaptureFixture[str]) -> None:
    runs.verdicts(a=SOUND)
    runs.verdicts(a=BROKEN)
    assert main(["diff", *(str(run.path) for run in runs.runs), "--format", form]) == 0
    assert "a.example" in capfd.readouterr().out.replace("<wbr>", "")


def test_the_runs_of_a_directory_are_found(runs: Runs, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The first run of a directory has nothing to be compared with, which is no error."""
    arguments = ["diff", "--against", str(tmp_path), "--fail-on", "new-broken", "--fail-on", "shrunk=50%"]
    runs.add([on("a", mx()), on("b", mx())])
    assert main(arguments) == 0
    assert "There is no earlier run to compare it with." in capfd.readouterr().out
    runs.add([on("a", mx())])
    assert main(arguments) == 4
    assert capfd.readouterr().err == "mxsweep: the number of domains fell from 2 to 1, by 50.0 %\n"
    runs.add([on("a", mx()), on("b", bad())])
    assert main([*arguments, str(runs.runs[2].path), "--metrics", str(tmp_path / "diff.prom")]) == 4
    shown = capfd.readouterr()
    assert "mx1.example: no TLSA record matches the certificate chain: 1 domain" in shown.out
    assert "first mx1.example (no TLSA record matches the certificate chain)" in shown.err
    assert 'mxsweep_diff_hosts{change="new-broken"} 1' in (tmp_path / "diff.prom").read_text()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["a"], "two runs or more are needed to compare"),
        (["a", "b", "--against", "."], "--against finds the earlier runs"),
        (["--against", "empty"], "empty: no run here"),
        (["--against", "missing"], "missing: No such file or directory"),
        (["a", "b", "--fail-on", "moon"], "--fail-on moon: new-broken, new-unknown, removed or shrunk=PERCENT% was"),
    ],
)
def test_usage_errors(
    runs: Runs,
    arguments: list[str],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    runs.verdicts(a=SOUND)
    (tmp_path / "0").rename(tmp_path / "a")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["diff", *arguments]) == 2
    assert expected in capfd.readouterr().err
