"""``python -m tests.cli.fingers DIRECTORY AT-ONCE DOMAIN... -- FLAG...``: ``mxsweep finger`` for many domains.

Each command runs in a process forked from one that has all modules loaded, and writes to ``DIRECTORY/DOMAIN``.
Starting Python a hundred times would take longer than the commands.
"""

import os
import sys
import traceback
from pathlib import Path

from scanner.cli.finger import main as finger


def main() -> None:
    """Run the commands that the command line names."""
    directory, at_once, *rest = sys.argv[1:]
    split = rest.index("--")
    running = 0
    for domain in rest[:split]:
        if running == int(at_once):
            os.wait()
            running -= 1
        if os.fork() == 0:
            _child(Path(directory) / domain, [*rest[split + 1 :], domain])
        running += 1
    while running:
        os.wait()
        running -= 1


def _child(output: Path, argv: list[str]) -> None:
    """Run one ``mxsweep finger`` and end the process."""
    try:
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT), 1)
        finger(argv)
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001 - a child must never continue as its parent
        traceback.print_exc()
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
