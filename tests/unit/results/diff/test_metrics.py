"""The metrics of a comparison."""

from pathlib import Path

from results.diff.metrics import metrics, write_metrics
from tests.unit.results.diff.runs import BROKEN, SOUND, Runs


def test_every_change_has_a_series(runs: Runs, tmp_path: Path) -> None:
    runs.verdicts(a=SOUND, b=SOUND)
    runs.verdicts(a=BROKEN)
    found = runs.compare()
    text = metrics(found)
    assert 'mxsweep_diff_domains{change="new-broken"} 1\n' in text
    assert 'mxsweep_diff_domains{change="removed"} 1\n' in text
    assert 'mxsweep_diff_hosts{change="new-unknown"} 0\n' in text
    assert text.endswith("# EOF\n")
    write_metrics(found, tmp_path / "diff.prom")
    assert (tmp_path / "diff.prom").read_text() == text
