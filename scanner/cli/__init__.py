"""The command line of mxsweep. Only this package and ``scanner.api`` may import modules of all other packages."""

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any


def main() -> None:
    """Run ``mxsweep`` with the arguments of this process, and end the process with the exit code of the command.

    ``finger`` parses its arguments as posttls-finger does, and therefore starts without loading the library click.
    """
    _replace_closed_streams()
    code = 0
    try:
        if sys.argv[1:2] == ["finger"]:
            code = code_of("scanner.cli.finger:main")(sys.argv[2:])
        else:
            code = code_of("scanner.cli.commands:main")(sys.argv[1:])
        sys.stdout.flush()
    except OSError as error:
        code = code_of("scanner.cli.console:output_failed")(error, code)
    sys.exit(code)


def _replace_closed_streams() -> None:
    """Open the null device for each closed standard stream, so that no other file gets the descriptor 0, 1 or 2.

    Reading from a closed standard input and writing to a closed standard output then fail with EBADF; messages to a
    closed standard error are lost.
    """
    for number, flags in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.dup2(os.open(os.devnull, flags), number)  # open returns the lowest free number
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - the process's stdout
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - the process's stderr


def code_of(target: str) -> Callable[..., Any]:
    """Import a module and return one of its functions.

    The module of a command is imported only when the command runs, so that ``--help`` and usage errors do not wait for
    the import.

    Args:
        target: module and function, such as ``scanner.cli.diff:diff``.
    """
    module, _, name = target.partition(":")
    with _without_collector():
        function: Callable[..., Any] = getattr(import_module(module), name)
    return function


@contextmanager
def _without_collector() -> Iterator[None]:
    """Switch the garbage collector off for a ``with`` block.

    Importing modules takes 8 % less time without searches for reference cycles.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
