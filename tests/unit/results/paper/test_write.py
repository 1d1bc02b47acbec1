"""The files of a paper and their manifest."""

import csv
import json
from pathlib import Path

from results.paper.write import MANIFEST, write_paper
from results.store.reader import Run


def test_files_and_manifest(run: Run, tmp_path: Path) -> None:
    paths = write_paper(run, tmp_path / "paper", "9.9")
    names = {path.name for path in paths}
    assert {f"{table}.{form}" for table in ("T1", "T13") for form in ("csv", "tex", "txt")} < names
    manifest = json.loads((tmp_path / "paper" / MANIFEST).read_text())
    assert (manifest["tool"], manifest["version"]) == ("mxsweep", "9.9")
    assert manifest["run"]["input"][0]["sha256"] == "d4" * 32
    assert manifest["run"]["resolver"] == "127.0.0.1:53"
    assert manifest["run"]["vantage"]["hostname"] == "scan.example"
    assert {name for table in manifest["tables"] for name in table["sha256"]} == names - {MANIFEST}


def test_the_same_run_gives_the_same_files(run: Run, tmp_path: Path) -> None:
    first = [path.read_bytes() for path in write_paper(run, tmp_path / "paper", "9.9")]
    assert [path.read_bytes() for path in write_paper(run, tmp_path / "paper", "9.9")] == first


def test_csv_has_a_header_and_numbers(run: Run, tmp_path: Path) -> None:
    write_paper(run, tmp_path, "9.9")
    with (tmp_path / "T1.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert lines[0] == {
        "part": "funnel",
        "label": "all domains",
        "domains": "5",
        "domains %": "100.0",
        "MX hosts": "2",
        "MX hosts %": "100.0",
    }
