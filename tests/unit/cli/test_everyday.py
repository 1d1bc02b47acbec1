"""The commands of everyday operation: they belong to the program, and their code is loaded when they run."""

import subprocess
import sys

import pytest

from scanner.cli.commands import group
from scanner.cli.everyday import COMMANDS


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_the_program_has_the_command(command: object) -> None:
    assert command in group.commands.values()


def test_help_loads_no_code_of_a_command() -> None:
    code = "import sys, scanner.cli.commands; print([n for n in sys.modules if n in ('trio', 'scanner.cli.run_list')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"[]\n"
