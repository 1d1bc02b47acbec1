"""Options for a nightly scan: the link to the latest run, one scan at a time, and the rotation of logs."""

import signal
from pathlib import Path

from results.store.reader import Run
from scanner.vocabulary import RunState
from tests.cli.run import BLIND, LIMIT, environment, finished, mxsweep, said, skipped_quickly, sluggish, start, wait_for

QUIET = (*BLIND, "--quiet")


def test_the_link_to_the_latest_run(tmp_path: Path) -> None:
    skipped_quickly(tmp_path / "list", 2)
    for name in ("one", "two"):
        done = mxsweep("scan", "list", "-o", f"runs/{name}", "--latest", *QUIET, cwd=tmp_path)
        assert (done.returncode, said(done.stderr)) == (0, [])
    assert (tmp_path / "runs" / "latest").readlink() == Path("two")
    assert "complete" in mxsweep("report", "runs/latest", cwd=tmp_path).stdout


def test_two_nights_do_not_overlap_and_logs_are_rotated(tmp_path: Path) -> None:
    env = environment(XDG_STATE_HOME=str(tmp_path / "state"), PYTHONWARNINGS="ignore")
    night = ("--exclusive", "nightly", *QUIET, "--allow-private", "--greeting-timeout", str(LIMIT))
    with sluggish() as server:
        target = f"[127.0.0.1]:{server.port}"
        first = start("scan", "--domain", target, "-o", "one", *night, "--log-file", "log", cwd=tmp_path, env=env)
        assert server.connected.wait(LIMIT)
        second = mxsweep("scan", "--domain", target, "-o", "two", *night, cwd=tmp_path, env=env)
        assert (second.returncode, len(said(second.stderr))) == (3, 1)
        assert f"another scan holds this lock (process {first.pid})" in second.stderr
        assert not (tmp_path / "two").exists()
        (tmp_path / "log").rename(tmp_path / "log.1")
        first.send_signal(signal.SIGHUP)
        wait_for((tmp_path / "log").exists)
        server.greet.set()
        assert finished(first)[0] == 0
    assert "127.0.0.1" in (tmp_path / "log").read_text()
    assert Run.open(tmp_path / "one").header.state is RunState.COMPLETE


def test_a_hangup_without_files_ends_the_scan(tmp_path: Path) -> None:
    with sluggish() as server:
        argv = ("scan", "--domain", f"[127.0.0.1]:{server.port}", "-o", "run", *QUIET, "--allow-private")
        process = start(*argv, cwd=tmp_path)
        assert server.connected.wait(LIMIT)
        process.send_signal(signal.SIGHUP)
        server.greet.set()
        assert finished(process)[0] == 130
    assert Run.open(tmp_path / "run").header.state is RunState.INTERRUPTED
