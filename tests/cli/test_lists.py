"""Lists as people have them, seen from the command line. No input here needs DNS or a connection."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.run import BLIND, mxsweep, said

DATA = Path(__file__).parents[1] / "data" / "lists"
SCAN = ("scan", "-o", "run", "--ehlo", "test.example", "--retries", "0", *BLIND)


def run_json(place: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((place / "run" / "run.json").read_text())
    return found


def private(count: int, *more: str) -> bytes:
    """A list of addresses that a scan never contacts."""
    return "".join(f"{line}\n" for line in (*(f"[10.0.0.{n}]" for n in range(count)), *more)).encode()


REFUSED = [
    ("hosts-file.txt", "not a list of domains but a hosts file; --column 2 takes the names"),
    ("urls.txt", "not a list of domains but URLs; --accept urls takes the host of each"),
    ("zone-lines.txt", "not a list of domains but a zone file; --format zone takes the names that have NS records"),
]


@pytest.mark.parametrize(("name", "words"), REFUSED)
def test_a_list_of_another_kind_is_refused_whole(tmp_path: Path, name: str, words: str) -> None:
    done = mxsweep(*SCAN, "--quiet", str(DATA / name), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, f"mxsweep: {DATA / name}: {words}\n")
    assert list(tmp_path.iterdir()) == []


NOTHING = [
    (b"", "nothing to scan: the input contains no line except blank lines, comments and headers", 0),
    (b"# none\n\n", "nothing to scan: the input contains no line except blank lines, comments and headers", 0),
    (b"domain\n", "nothing to scan: the input contains no line except blank lines, comments and headers", 0),
    (
        b"a_b c\n",
        "nothing to scan: its only line is rejected: not a valid host name: it contains white space; one domain",
        1,
    ),
    (b"x y z\n" * 11 + b"-a.b\n", "nothing to scan: all 12 lines are rejected, most often (11): not a valid host", 10),
    (gzip.compress(b""), "nothing to scan: the input contains no line", 0),
    (gzip.compress(b"a.example")[:8], "nothing to scan: list: the file cannot be read (the gzip data is truncated)", 0),
]


@pytest.mark.parametrize("quiet", [(), ("--quiet",)])
@pytest.mark.parametrize(("data", "words", "shown"), NOTHING, ids=range(len(NOTHING)))
def test_a_job_that_does_nothing_is_no_success(
    tmp_path: Path, data: bytes, words: str, shown: int, quiet: tuple[str, ...]
) -> None:
    (tmp_path / "list").write_bytes(data)
    done = mxsweep(*SCAN, *quiet, "list", cwd=tmp_path)
    *rejects, last = said(done.stderr)
    assert done.returncode == 2
    assert last.startswith(f"mxsweep: {words}")
    assert len(rejects) == shown
    assert all(line.startswith("mxsweep: list:") for line in rejects)
    assert [path.name for path in tmp_path.iterdir()] == ["list"]


def test_a_list_of_opt_outs_is_done(tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(b"a.example\na.example\nb.example\n")
    (tmp_path / "optout").write_text("a.example\nb.example\n")
    done = mxsweep(*SCAN, "--quiet", "--exclude", "optout", "list", cwd=tmp_path)
    words = "mxsweep: all 2 destinations are opted out (--exclude): nothing was contacted"
    assert (done.returncode, said(done.stderr)) == (0, [words])
    totals = run_json(tmp_path)["totals"]
    assert (totals["domains"], totals["lines"], totals["duplicates"], totals["rejects"]) == (0, 3, 1, 2)


def test_many_rejects_are_reported(tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(private(7, "bad one", "bad two", "-x.example"))
    words = (
        "3 of 10 lines are rejected (30.0 %, more than --max-rejects 10);"
        " most often: not a valid host name: it contains white space"
    )
    done = mxsweep(*SCAN, "--quiet", "--label", "a label", "list", cwd=tmp_path)
    assert (done.returncode, said(done.stderr)) == (0, [f"mxsweep: {words}"])
    header = run_json(tmp_path)
    assert (header["notes"], header["label"]) == ([words], "a label")
    assert header["reject_reasons"] == {
        "not a valid host name: it contains white space": 2,
        "not a valid host name: label begins or ends with a hyphen": 1,
    }
    (tmp_path / "more").mkdir()
    done = mxsweep(*SCAN, "--quiet", "--max-rejects", "30%", "../list", cwd=tmp_path / "more")
    assert (done.returncode, said(done.stderr)) == (0, [])


def test_a_list_that_is_cut_short_is_scanned_as_far_as_it_goes(tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(gzip.compress(private(250))[:-30])
    done = mxsweep(*SCAN, "--quiet", "list", cwd=tmp_path)
    assert done.returncode == 2
    (line,) = said(done.stderr)
    assert "the file cannot be read beyond line" in line
    assert run_json(tmp_path)["state"] == "complete"
    assert 100 < run_json(tmp_path)["totals"]["domains"] < 250


def test_the_end_of_a_short_list_that_is_cut_is_not_an_invalid_line_too(tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(gzip.compress(private(3))[:-4])  # one reject for three lines
    done = mxsweep(*SCAN, "--quiet", "list", cwd=tmp_path)
    words = "mxsweep: list: the file cannot be read beyond line 3, its rest is skipped (the gzip data is truncated)"
    assert (done.returncode, said(done.stderr)) == (2, [words])


def test_octets_after_a_member_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(gzip.compress(private(3)) + b"garbage")
    done = mxsweep(*SCAN, "--quiet", "list", cwd=tmp_path)
    note = "list: octets after the end of the gzip data are ignored"
    assert (done.returncode, said(done.stderr)) == (0, [f"mxsweep: {note}"])
    assert run_json(tmp_path)["notes"] == [note]


@pytest.mark.parametrize("more", [("--head", "5"), ("--sample", "5", "--seed", "3")])
def test_a_part_of_a_list(tmp_path: Path, more: tuple[str, ...]) -> None:
    (tmp_path / "list").write_bytes(private(3) + private(200))
    assert mxsweep(*SCAN, "--quiet", *more, "list", cwd=tmp_path).returncode == 0
    keys = {json.loads(line)["key"] for line in (tmp_path / "run" / "domains.jsonl").read_text().splitlines()}
    assert len(keys) == 5
    if more[0] == "--head":
        assert keys == {f"[10.0.0.{n}]" for n in range(5)}


def test_columns_and_kinds_are_given_with_flags(tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(b"Alice;https://10.0.0.1:8/x;1\nBob;http://10.0.0.2;2\n")
    done = mxsweep(*SCAN, "--quiet", "--column", "2", "--accept", "urls", "list", cwd=tmp_path)
    assert (done.returncode, said(done.stderr)) == (0, [])
    rows = [json.loads(line) for line in (tmp_path / "run" / "domains.jsonl").read_text().splitlines()]
    assert {row["key"]: row["target"]["fields"] for row in rows} == {
        "[10.0.0.1]": {"col1": "Alice", "col3": "1"},
        "[10.0.0.2]": {"col1": "Bob", "col3": "2"},
    }


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--domain", "https://x/"), "--domain https://x/: a URL: list its host name alone, or use --accept urls"),
        (("--domain", "a@b.example"), "--domain a@b.example: an e-mail address: list what follows the @, or use --acc"),
        (("--domain", "a.example", "--accept", "url"), "--accept url: a list of urls, emails was expected"),
        (("--domain", "a.example", "--seed", "1"), "--seed S: it requires --sample N"),
        ((str(DATA / "list.xz"), "--column", "7"), "no column 7: the columns are 1 'good311.test'"),
    ],
)
def test_usage(tmp_path: Path, flags: tuple[str, ...], words: str) -> None:
    done = mxsweep(*SCAN, *flags, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert words in done.stderr
    assert list(tmp_path.iterdir()) == []
