"""SIGHUP: files that are reopened after a rotation, and the cases in which it ends the scan."""

import logging
import os
import signal
import sys
from pathlib import Path

import pytest

from results.live.status import StatusFile
from results.store.files import StoreError
from scanner.cli.hangup import hangup
from scanner.cli.log_file import LogFile
from tests.unit import records


def hang_up() -> None:
    os.kill(os.getpid(), signal.SIGHUP)


def test_log_and_status_files_are_reopened(tmp_path: Path) -> None:
    log, status = LogFile(str(tmp_path / "log")), StatusFile(tmp_path / "status")
    entry = logging.LogRecord("mxsweep", logging.INFO, "", 0, "a line", (), None)
    with hangup([log.reopen, status.reopen]):
        log.emit(entry)
        status(records.status())
        for name in ("log", "status"):
            (tmp_path / name).rename(tmp_path / f"{name}.1")
        log.emit(entry)
        hang_up()
        log.emit(entry)
        status(records.status())
    counts = {path.name: path.read_bytes().count(b"\n") for path in tmp_path.iterdir()}
    assert counts == {"log.1": 2, "log": 1, "status.1": 1, "status": 1}
    log.close()


def test_a_file_that_cannot_be_reopened_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    def reopen() -> None:
        raise StoreError("/none/log: No such file or directory")

    with hangup([reopen]):
        hang_up()
    assert capsys.readouterr().err == (
        "mxsweep: /none/log: No such file or directory; the scan continues with the old file\n"
    )


@pytest.mark.parametrize("terminal", [True, False])
def test_it_ends_a_scan_without_files_or_with_a_terminal(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    with hangup([lambda: None] if terminal else []):
        assert signal.getsignal(signal.SIGHUP) is signal.default_int_handler
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL


def test_nohup_is_respected() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with hangup([]):
            hang_up()
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
