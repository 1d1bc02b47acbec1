"""The command diff on stored runs."""

from pathlib import Path

import pytest

from scanner.cli.commands import main
from tests.unit.results.diff.runs import BROKEN, SOUND, Runs


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


@pytest.mark.parametrize("form", ["text", "json", "markdown", "html"])
def test_diff_in_every_format(runs: Runs, form: str, capfd: pytest.CaptureFixture[str]) -> None:
    runs.verdicts(a=SOUND)
    runs.verdicts(a=BROKEN)
    assert main(["diff", *(str(run.path) for run in runs.runs), "--format", form]) == 0
    assert "a.example" in capfd.readouterr().out
