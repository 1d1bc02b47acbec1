"""The console that raises errors."""

import pytest

from scanner.cli.raising_console import RaisingConsole
from tests.unit.cli.test_console import ClosedPipe


def test_a_closed_pipe_is_an_exception_and_not_the_end_of_the_process() -> None:
    with pytest.raises(BrokenPipeError):
        RaisingConsole(file=ClosedPipe()).print("text")
