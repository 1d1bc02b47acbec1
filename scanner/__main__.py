"""The entry point of ``python -m scanner``, which is ``mxsweep``."""

from scanner.cli import main

main()
