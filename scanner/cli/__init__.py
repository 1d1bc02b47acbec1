"""The command line. Only this package and ``scanner.api`` import all other packages."""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def main() -> None:
    """Run ``mxsweep`` with the arguments of the process and exit with its status.

    ``finger`` parses its arguments as posttls-finger does, so it starts without the command-line library.
    """
    if sys.argv[1:2] == ["finger"]:
        sys.exit(code_of("scanner.cli.finger:main")(sys.argv[2:]))
    sys.exit(code_of("scanner.cli.commands:main")(sys.argv[1:]))


def code_of(target: str) -> Callable[..., Any]:
    """Import a module and return one of its functions.

    A command imports its code only when it runs, so that help, version and usage errors do not load it.

    Args:
        target: module and function, such as ``scanner.cli.diff:diff``.
    """
    module, _, name = target.partition(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function
