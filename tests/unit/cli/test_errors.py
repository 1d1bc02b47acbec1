"""Errors that end a command: the exit code that each one carries, and the line that the command line makes of it."""

from typing import Any

import pytest

from scanner.cli import commands
from scanner.cli.errors import CliError, Exit


def test_exit_codes_are_those_that_the_manual_promises() -> None:
    assert {code.name: int(code) for code in Exit} == {
        "DONE": 0,
        "INTERNAL": 1,
        "USAGE": 2,
        "UNFIT": 3,
        "MATCHED": 4,
        "CHANGED": 5,
        "INTERRUPTED": 130,
    }


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (CliError("list: no such list"), 2, "mxsweep: list: no such list\n"),
        (CliError("no resolver", Exit.UNFIT), 3, "mxsweep: no resolver\n"),
        (CliError("two\nlines"), 2, "mxsweep: two lines\n"),
        (CliError("", Exit.UNFIT), 3, ""),
    ],
)
def test_an_error_is_one_line_and_its_exit_code(
    error: CliError, code: int, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> int:
        raise error

    monkeypatch.setattr(commands, "code_of", lambda _: fail)
    assert commands.main(["schema"]) == code
    assert capsys.readouterr() == ("", line)
