"""Consoles, and the errors of standard output."""

import errno
import os
from io import StringIO
from pathlib import Path

import pytest

from scanner.cli.console import json_stream, say, unwritable
from scanner.cli.errors import CliError, Exit


class ClosedPipe(StringIO):
    """A stream whose reader has gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(errno.EPIPE, text)


def test_a_message_that_cannot_be_written_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", ClosedPipe())
    say("text")


def test_a_message_names_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    say("text")
    assert capsys.readouterr().err == "mxsweep: text\n"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), ""),
        (OSError(errno.ENOSPC, "No space left on device"), "standard output: No space left on device"),
    ],
)
def test_standard_output_that_takes_no_more(
    error: OSError, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "stdout").open("w") as file:
        monkeypatch.setattr("sys.stdout", file)
        found = unwritable(error)
        assert Path(f"/proc/self/fd/{file.fileno()}").readlink() == Path(os.devnull), "the last flush cannot fail again"
    assert isinstance(found, CliError)
    assert (str(found), found.code) == (text, Exit.UNFIT)


def test_other_errors_stay_what_they_are() -> None:
    error = FileNotFoundError(errno.ENOENT, "No such file or directory")
    assert unwritable(error) is error


def test_json_on_a_terminal_has_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, stdout = os.openpty()
    with os.fdopen(stdout, "w") as file:
        monkeypatch.setattr("sys.stdout", file)
        stream = json_stream()
        stream.write('{"text":"\u202e\x9b"}'.encode())
        stream.flush()
        assert os.read(terminal, 100) == rb'{"text":"\u202e\u009b"}'
    os.close(terminal)
