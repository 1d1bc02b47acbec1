"""Signals, closed pipes and full disks: a scan ends in order, and every known record is written."""

import json
import os
import resource
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from results.store.reader import Run
from scanner.vocabulary import RunState
from tests.cli.run import (
    BLIND,
    LIMIT,
    default_signals,
    environment,
    finished,
    mxsweep,
    said,
    skipped_quickly,
    sluggish,
    start,
    wait_for,
)

SIGNALS = [signal.SIGINT, signal.SIGTERM]
FINISHING = "finishing the probes in flight (at most 30 s); interrupt again to stop at once"
PATIENT = (*BLIND, "--allow-private", "--greeting-timeout", str(LIMIT), "--quiet")
QUIET = (*BLIND, "--quiet")


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_lets_work_in_flight_finish(number: signal.Signals, tmp_path: Path) -> None:
    with sluggish() as server:
        argv = ("scan", "--domain", f"[127.0.0.1]:{server.port}", "-o", "run", *PATIENT)
        process = start(*argv, cwd=tmp_path, preexec_fn=default_signals)
        assert server.connected.wait(LIMIT)
        process.send_signal(number)
        assert heard(process) == FINISHING
        server.greet.set()
        assert finished(process) == (130, "", "")
    run = Run.open(tmp_path / "run")
    assert run.header.state is RunState.INTERRUPTED
    assert run.header.totals["domains"] == 1
    (host,) = run.hosts()
    banner = host.endpoints[0].probes[0].banner
    assert banner is not None
    assert banner.lines == ("late ESMTP",), "the probe went on after the signal"


@pytest.mark.parametrize("number", SIGNALS)
def test_the_second_signal_ends_at_once(number: signal.Signals, tmp_path: Path) -> None:
    """The server sends no greeting for a minute; after the first signal, probes in flight have 30 s to finish."""
    targets = tmp_path / "list"
    targets.write_text("".join(f"[127.0.0.2]:{port}\n" for port in range(1, 21)))  # nothing listens there
    with sluggish() as server:
        argv = ("scan", str(targets), "--domain", f"[127.0.0.1]:{server.port}", "-o", "run", *PATIENT)
        # without the second signal the scan would end after 30 s
        process = start(*argv, cwd=tmp_path, preexec_fn=default_signals)
        assert server.connected.wait(LIMIT)
        wait_for(lambda: lines(tmp_path / "run") > 0)
        begun = time.monotonic()
        process.send_signal(number)
        assert heard(process) == FINISHING
        process.send_signal(number)
        assert finished(process)[0] == 130
        assert time.monotonic() - begun < 15
    run = Run.open(tmp_path / "run")
    assert run.header.state is RunState.INTERRUPTED
    assert len(list(run.domains())) == run.header.totals["domains"] > 0


def heard(process: subprocess.Popen[str]) -> str:
    """Return the next line of stderr, the message about ``BLIND`` left out."""
    assert process.stderr is not None
    return next(line for text in process.stderr for line in said(text))


def lines(run: Path) -> int:
    file = run / "domains.jsonl"
    return file.read_bytes().count(b"\n") if file.exists() else 0


def has_spool(place: Path) -> bool:
    with suppress(FileNotFoundError):  # a directory can end while it is searched
        return any(place.rglob("spool"))
    return False


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("output", ["run", "-"])
def test_a_signal_while_waiting_for_input(number: signal.Signals, output: str, tmp_path: Path) -> None:
    """The input is read to its end before the scan, so there are no records; temporary files are removed."""
    (tmp_path / "temporary").mkdir()
    command = ("scan", "-", "-o", output, "--ehlo", "test.example", *QUIET)
    reader, writer = os.pipe()
    place = environment(TMPDIR=str(tmp_path / "temporary"))
    process = start(*command, cwd=tmp_path, stdin=reader, preexec_fn=default_signals, env=place)
    os.close(reader)
    spool = tmp_path if output == "run" else tmp_path / "temporary"
    with os.fdopen(writer, "wb") as pipe:
        pipe.write(skipped_quickly(tmp_path / "list", 1500).read_bytes())
        pipe.flush()
        wait_for(lambda: has_spool(spool))
        process.send_signal(number)
        code, out, err = finished(process)
    assert (code, out, "".join(said(err))) == (130, "", "")
    assert list((tmp_path / "temporary").iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {"temporary", "list"}


def test_a_run_that_ends_is_complete(tmp_path: Path) -> None:
    skipped_quickly(tmp_path / "list", 3)
    assert mxsweep("scan", "list", "-o", "run", *QUIET, cwd=tmp_path).returncode == 0
    run = Run.open(tmp_path / "run")
    assert (run.header.state, run.header.totals["domains"]) == (RunState.COMPLETE, 3)


@pytest.mark.parametrize("what", [("scan", "list", "-o", "-", *QUIET), ("report", "run"), ("schema",)])
def test_a_reader_that_goes_away(what: tuple[str, ...], tmp_path: Path) -> None:
    """``| head -1``: no message, and exit code 3."""
    skipped_quickly(tmp_path / "list", 900)
    assert mxsweep("scan", "list", "-o", "run", *QUIET, cwd=tmp_path).returncode == 0
    reader, writer = os.pipe()
    process = start(*what, cwd=tmp_path, stdout=writer)
    os.close(writer)
    os.read(reader, 1)
    os.close(reader)
    code, _, err = finished(process)
    assert said(err) == []
    assert code in (0, 3), "0 if all of it fitted into the pipe"


@pytest.mark.parametrize(
    "what", [("scan", "list", "-o", "-", *QUIET), ("scan", "--domain", "[10.0.0.1]", *BLIND), ("schema",)]
)
def test_standard_output_that_takes_nothing(what: tuple[str, ...], tmp_path: Path) -> None:
    skipped_quickly(tmp_path / "list", 3)
    with Path("/dev/full").open("w") as full:
        process = start(*what, cwd=tmp_path, stdout=full)
        code, _, err = finished(process)
    assert (code, said(err)) == (3, ["mxsweep: standard output: No space left on device"])


def close_stdout() -> None:
    """Close standard output of this process."""
    os.close(1)


@pytest.mark.parametrize(
    "what",
    [
        ("scan", "list", "-o", "-", *QUIET),
        ("scan", "--domain", "[10.0.0.1]", *BLIND),
        ("report", "run"),
        ("report", "run", "--format", "json"),
        ("explain", "run", "[10.0.0.0]:25"),
        ("diff", "run", "run"),
        ("export", "run", "-o", "tables"),
        ("query", "run", "SELECT 1", "--format", "csv"),
        ("schema",),
        ("--help",),
        ("finger", "--help"),
    ],
    ids=" ".join,
)
def test_closed_standard_output(what: tuple[str, ...], tmp_path: Path) -> None:
    skipped_quickly(tmp_path / "list", 1)
    assert mxsweep("scan", "list", "-o", "run", *QUIET, cwd=tmp_path).returncode == 0
    done = mxsweep(*what, cwd=tmp_path, preexec_fn=close_stdout)
    assert (done.returncode, said(done.stderr)) == (3, ["mxsweep: standard output: Bad file descriptor"])


def test_a_run_needs_no_standard_output(tmp_path: Path) -> None:
    """No file of the run gets the number of the closed stream."""
    skipped_quickly(tmp_path / "list", 1)
    done = mxsweep("scan", "list", "-o", "run", *QUIET, cwd=tmp_path, preexec_fn=close_stdout)
    assert (done.returncode, said(done.stderr)) == (0, [])
    assert len(list(Run.open(tmp_path / "run").domains())) == 1


def small_files() -> None:
    """Limit the files of this process to 64 KiB."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    skipped_quickly(tmp_path / "list", 900)
    done = mxsweep("scan", "list", "-o", "run", *QUIET, cwd=tmp_path, preexec_fn=small_files)
    assert (done.returncode, done.stdout) == (3, "")
    (line,) = said(done.stderr)
    assert line.startswith("mxsweep: run/")
    assert line.endswith(".jsonl: File too large")
    found = list(Run.open(tmp_path / "run").domains())
    assert all(record.key for record in found), "what was written can be read"


def test_a_closed_stderr(tmp_path: Path) -> None:
    """Progress and rejects cannot be shown, and the scan continues."""
    (tmp_path / "list").write_text("bad domain\n[10.0.0.1]\n")
    reader, writer = os.pipe()
    os.close(reader)
    process = start("scan", "list", "-o", "-", *BLIND, cwd=tmp_path, stderr=writer)
    os.close(writer)
    code, out, _ = finished(process)
    assert code == 0
    assert json.loads(out)["target"]["raw"] == "[10.0.0.1]"
