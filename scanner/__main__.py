"""``python -m scanner`` is ``mxsweep``."""

from scanner.cli import main

main()
