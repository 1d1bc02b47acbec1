"""Runs that are continued: after a kill, a signal or a full disk, and over their inconclusive domains."""

import json
import os
import random
import resource
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from results.store import codec
from results.store.reader import Run
from scanner.vocabulary import RunState
from tests.cli.run import BLIND, default_signals, finished, mxsweep, said, skipped_quickly, start, wait_for

COUNT = 900
QUIET = (*BLIND, "--quiet")
SCAN = ("scan", "list", "-o", "run", *QUIET)
RESUME = ("scan", "--resume", "run", "--quiet")
CHANGING = {"observed_at", "started", "ms"}


def plain(value: Any) -> Any:
    """Return a record without the members that differ from scan to scan."""
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items() if key not in CHANGING}
    return [plain(member) for member in value] if isinstance(value, list) else value


def domains(run: Path) -> list[str]:
    """Return the domain records as readers see them, sorted."""
    return sorted(json.dumps(plain(codec.plain(record))) for record in Run.open(run).domains())


def written(run: Path, name: str = "domains") -> int:
    file = run / f"{name}.jsonl"
    return file.read_bytes().count(b"\n") if file.exists() else 0


@pytest.fixture
def undisturbed(tmp_path: Path) -> list[str]:
    """The records of a scan without an interruption."""
    skipped_quickly(tmp_path / "list", COUNT)
    with (tmp_path / "list").open("a") as file:
        file.write("bad domain\n[10.0.0.1]\nbad too\n")
    assert mxsweep("scan", "list", "-o", "whole", *QUIET, cwd=tmp_path).returncode == 0
    return domains(tmp_path / "whole")


def resumed(place: Path, *more: str) -> Run:
    done = mxsweep(*RESUME, *more, cwd=place)
    assert (done.returncode, done.stdout, said(done.stderr)) == (0, "", [])
    run = Run.open(place / "run")
    assert run.header.state is RunState.COMPLETE
    return run


def test_three_kills(tmp_path: Path, undisturbed: list[str]) -> None:
    """After a kill at any moment the next process continues; the list is not needed again."""
    chance = random.Random(5)
    command: tuple[str, ...] = SCAN
    least = 1
    for _ in range(3):
        process = start(*command, cwd=tmp_path)
        wait_for(lambda least=least, process=process: written(tmp_path / "run") >= least or process.poll() is not None)  # type: ignore[misc]
        time.sleep(chance.uniform(0, 0.1))  # any moment will do
        process.kill()
        finished(process)
        (tmp_path / "list").unlink(missing_ok=True)
        command, least = RESUME, written(tmp_path / "run") + 1
    run = resumed(tmp_path)
    assert domains(tmp_path / "run") == undisturbed
    assert (run.header.totals["domains"], run.header.totals["rejects"]) == (COUNT, 2)
    assert sorted(reject.key for reject in run.rejects()) == ["list:901", "list:903"]
    assert written(tmp_path / "run") == written(tmp_path / "run", "hosts") == COUNT, "nothing was written twice"


def test_an_interrupted_run(tmp_path: Path, undisturbed: list[str]) -> None:
    process = start(*SCAN, cwd=tmp_path, preexec_fn=default_signals)
    wait_for(lambda: written(tmp_path / "run") > 0 or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    finished(process)
    resumed(tmp_path)
    assert domains(tmp_path / "run") == undisturbed


def small_files() -> None:
    """Limit the files of this process to 64 KiB."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))


def test_a_disk_that_was_full(tmp_path: Path, undisturbed: list[str]) -> None:
    assert mxsweep(*SCAN, cwd=tmp_path, preexec_fn=small_files).returncode == 3
    assert written(tmp_path / "run") < COUNT
    resumed(tmp_path)
    assert domains(tmp_path / "run") == undisturbed
    assert any((tmp_path / "run").glob("*.torn")), "the line that did not fit is kept aside"


def test_a_complete_run_has_nothing_left(tmp_path: Path) -> None:
    skipped_quickly(tmp_path / "list", 5)
    mxsweep(*SCAN, cwd=tmp_path)
    before = (tmp_path / "run" / "domains.jsonl").read_bytes()
    assert resumed(tmp_path).header.totals["domains"] == 5
    assert (tmp_path / "run" / "domains.jsonl").read_bytes() == before


def test_inconclusive_domains_are_scanned_again(tmp_path: Path) -> None:
    """Skipped addresses make a domain inconclusive; every record is kept, and readers see the last."""
    skipped_quickly(tmp_path / "list", 5)
    mxsweep(*SCAN, cwd=tmp_path)
    before = {record.key: record.observed_at for record in Run.open(tmp_path / "run").domains()}
    done = mxsweep("scan", "--retry-inconclusive", "run", "--quiet", cwd=tmp_path)
    assert (done.returncode, said(done.stderr)) == (0, [])
    after = {record.key: record.observed_at for record in Run.open(tmp_path / "run").domains()}
    assert all(after[key] > before[key] for key in before)
    assert (written(tmp_path / "run"), written(tmp_path / "run", "hosts")) == (10, 10)
    assert Run.open(tmp_path / "run").header.totals["domains"] == 5


def test_first_comes_first(tmp_path: Path) -> None:
    skipped_quickly(tmp_path / "list", 200)
    (tmp_path / "urgent").write_text("[10.9.9.9]\n[10.0.0.7]\n")
    argv = (*SCAN, "--first", "urgent", "--concurrency", "1")
    assert mxsweep(*argv, cwd=tmp_path).returncode == 0
    records = list(Run.open(tmp_path / "run").domains())
    assert {record.target.raw for record in records[:2]} == {"[10.9.9.9]", "[10.0.0.7]"}
    assert [source.source for source in Run.open(tmp_path / "run").header.input] == ["urgent", "list"]
    assert len(records) == 201


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The directory that holds a complete run and its list."""
    skipped_quickly(tmp_path / "list", 3)
    assert mxsweep(*SCAN, cwd=tmp_path).returncode == 0
    return tmp_path


REFUSED: list[tuple[tuple[str, ...], str]] = [
    (("--resume", "run", "--level", "may"), "--level: this run continues with dane"),
    (("--resume", "run", "--rate", "7"), "--rate: this run continues with 100"),
    (("--resume", "run", "--ca-file", "x"), "--ca-file: this run continues without it"),
    (("--resume", "run", "list"), "LIST: --resume continues with the input of the run"),
    (("--retry-inconclusive", "run", "-o", "x"), "--output: --retry-inconclusive continues with the input of the run"),
    (("--resume", "run", "--retry-inconclusive", "run"), "one of them was expected"),
    (("--resume", "elsewhere"), "elsewhere: no run here (run.json is missing)"),
]


@pytest.mark.parametrize(("argv", "words"), REFUSED)
def test_what_contradicts_the_run(run: Path, argv: tuple[str, ...], words: str) -> None:
    before = (run / "run" / "run.json").read_bytes()
    done = mxsweep("scan", *argv, cwd=run)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert words in line
    assert (run / "run" / "run.json").read_bytes() == before


def test_flags_that_agree_or_do_not_matter(run: Path) -> None:
    free = ("--fail-on", "dane=broken", "--log-file", "log", "--status-file", "status", "--metrics-file", "prom")
    resumed(run, "--level", "dane", "--rate", "100", *free, "--status-every", "5")


def test_settings_that_differ_in_run_json(run: Path) -> None:
    file = run / "run" / "run.json"
    file.write_text(file.read_text().replace('"port": 25,', '"port": 587,'))
    done = mxsweep(*RESUME, cwd=run)
    assert done.returncode == 2
    assert said(done.stderr) == ["mxsweep: run: the run has port = 587, but the options make it 25"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"port": 25', '"port": "smtp"', "port must be a whole number, not 'smtp'"),
        ('"port": 25', '"port": [25]', "port takes one value, not a list"),
        ('"port": 25', '"port": null', "port must be a whole number, not None"),
        ('"rate": ', '"rate": "x", "r": ', "rate must be a"),
        ('"level": "dane"', '"level": "paranoid"', "'paranoid' is not one of"),
        ('"flags": {', '"flags": {"unheard": 1, ', "unknown option 'unheard'"),
        ('"flags": {', '"flags": [], "f": {', "the flags and the input of a run were expected"),
        ('"flags": {', '"x": ' + "[" * 50_000 + ', "flags": {', "recursion"),
    ],
)
def test_flags_that_no_scan_wrote(run: Path, old: str, new: str, words: str) -> None:
    file = run / "run" / "spool" / "flags.json"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    done = mxsweep(*RESUME, cwd=run)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = said(done.stderr)
    assert "flags.json: " in line
    assert words in line


@pytest.mark.parametrize("name", ["run.json", "spool/flags.json", "spool/index.json", "run.lock"])
def test_a_fifo_in_a_run(run: Path, name: str) -> None:
    file = run / "run" / name
    file.unlink(missing_ok=True)
    os.mkfifo(file)
    done = mxsweep(*RESUME, cwd=run)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = said(done.stderr)
    assert f"{name}: not a regular file" in line


@pytest.mark.parametrize("name", ["hosts.jsonl", "domains.jsonl", "run.lock"])
def test_no_line_is_written_through_a_link(run: Path, name: str) -> None:
    (run / "victim").write_text("")
    file = run / "run" / name
    file.unlink(missing_ok=True)
    file.symlink_to(run / "victim")
    assert mxsweep(*RESUME, cwd=run).returncode == 2
    assert (run / "victim").read_text() == ""


@pytest.mark.parametrize("name", [".", "run.json", "spool", "spool/flags.json"])
def test_files_that_a_run_of_others_names_are_confirmed(tmp_path: Path, name: str) -> None:
    skipped_quickly(tmp_path / "list", 3)
    (tmp_path / "no").write_text("never.example\n")
    assert mxsweep(*SCAN, "--exclude", "no", cwd=tmp_path).returncode == 0
    place = tmp_path / "run" / name
    place.chmod(place.stat().st_mode | 0o002)
    done = mxsweep(*RESUME, cwd=tmp_path)
    assert done.returncode == 2
    (line,) = said(done.stderr)
    assert line.endswith("other users can write to it; to confirm the files that it names, add --exclude no")
    resumed(tmp_path, "--exclude", "no")


def test_a_spool_of_another_run(run: Path) -> None:
    file = run / "run" / "run.json"
    digest = Run.open(run / "run").header.input[0].sha256
    assert digest is not None
    file.write_text(file.read_text().replace(digest, "0" * 64))
    done = mxsweep(*RESUME, cwd=run)
    assert done.returncode == 2
    assert "belong to different runs" in done.stderr


def test_a_list_that_has_changed_since(run: Path) -> None:
    (run / "list").write_text("[10.9.9.9]\n")
    done = mxsweep(*RESUME, cwd=run)
    assert done.returncode == 0
    assert said(done.stderr) == ["mxsweep: list has changed since; the run continues with the domains that it had read"]


def test_a_spool_that_is_damaged(run: Path) -> None:
    os.truncate(run / "run" / "spool" / "rest-000", 10)
    done = mxsweep(*RESUME, cwd=run)
    assert done.returncode == 2
    (line,) = said(done.stderr)
    assert "rest-000: missing or changed since it was written" in line
    assert Run.open(run / "run").header.state is RunState.COMPLETE


def test_what_is_not_complete_is_completed_first(run: Path) -> None:
    file = run / "run" / "run.json"
    file.write_text(file.read_text().replace('"complete"', '"interrupted"'))
    done = mxsweep("scan", "--retry-inconclusive", "run", cwd=run)
    assert done.returncode == 2
    assert "mxsweep scan --resume run completes it first" in done.stderr


def test_a_run_that_another_process_writes(run: Path) -> None:
    from results.store.files import Lock  # noqa: PLC0415 - only this test is another process

    lock = Lock(run / "run" / "run.lock")
    done = mxsweep(*RESUME, cwd=run)
    lock.release()
    assert done.returncode == 2
    assert "another process is writing to this run" in done.stderr
