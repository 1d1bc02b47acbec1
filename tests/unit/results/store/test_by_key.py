"""Lines of a run, found by key."""

from pathlib import Path

from results.store.by_key import Lookup
from results.store.reader import lines_path
from scanner.model import HostReport
from tests.unit.results.diff.test_rejudge import host, written


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
