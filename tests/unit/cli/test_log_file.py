"""The log file of a scan."""

import logging
from pathlib import Path

import pytest

from scanner.cli.errors import CliError
from scanner.cli.log_file import LogFile

RECORD = logging.LogRecord("mxsweep", logging.INFO, __file__, 1, "%s", ("text \udc80",), None)


def test_a_line_for_each_record(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("before\n")
    log = LogFile(str(tmp_path / "log"))
    log.handle(RECORD)
    log.close()
    before, line = (tmp_path / "log").read_text().splitlines()
    assert before == "before"
    assert line.endswith("INFO text \\udc80")


def test_a_full_disk_is_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    log = LogFile("/dev/full")
    for _ in range(3):
        log.handle(RECORD)
    log.close()
    message = "mxsweep: /dev/full: cannot write the log: No space left on device; the scan continues\n"
    assert capsys.readouterr().err == message


def test_a_link_in_a_directory_of_others_is_not_followed(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    (tmp_path / "log").symlink_to(tmp_path / "victim")
    with pytest.raises(CliError, match="log: cannot write the log: a symbolic link in a directory that others can"):
        LogFile(str(tmp_path / "log"))
    assert not (tmp_path / "victim").exists()


def test_a_link_in_a_directory_of_the_user_is_followed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "log").symlink_to(tmp_path / "elsewhere")
    LogFile(str(tmp_path / "log")).close()
    assert (tmp_path / "elsewhere").exists()
