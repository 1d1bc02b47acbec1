"""The command line: the only place that sees every room."""

import sys


def main() -> None:
    """Entry point of ``mxsweep``.

    ``finger`` reads its arguments as posttls-finger does and needs none of the command-line library.
    """
    if sys.argv[1:2] == ["finger"]:
        from scanner.cli.finger import main as finger  # noqa: PLC0415 - starts without the other commands

        sys.exit(finger(sys.argv[2:]))
    from scanner.cli.commands import main as commands  # noqa: PLC0415 - the same the other way round

    sys.exit(commands(sys.argv[1:]))
