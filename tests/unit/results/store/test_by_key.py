"""Lines of a run, found by key."""

from pathlib import Path

from results.store.by_key import Lookup, find
from results.store.reader import lines_path
from scanner.model import DomainRecord, HostReport
from tests.unit import records
from tests.unit.results.diff.test_rejudge import host, written
from tests.unit.results.explain.test_worklist import BROKEN, run_of


def test_lines_are_read_by_key_and_the_last_one_counts(tmp_path: Path) -> None:
    old, chain = host()
    run = written(tmp_path / "run", of=(old, chain))
    path = lines_path(run.path, "hosts")
    with path.open("ab") as file:
        file.write(path.read_bytes().replace(b'"port":25', b'"port":26') + b'{"key":"torn')
    lookup = Lookup(path, HostReport)
    found = lookup.get(old.key)
    assert found is not None
    assert found.port == 26
    assert lookup.get("torn") is None


def test_finding_gives_the_last_line_of_a_key(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", [records.domain(), BROKEN, records.domain(key="b.example")])
    assert find(run, "domains", DomainRecord, ["a.example", "nowhere.example"]) == {"a.example": BROKEN}
