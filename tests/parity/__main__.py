"""``python -m tests.parity``: run all pairs, show what differs, and write the counts into the README."""

import sys
from pathlib import Path

from tests.lab.layout import Layout
from tests.lab.use import running
from tests.parity.run import all_pairs, table, write


def main() -> int:
    """Do it; exit status 1 if anything differs."""
    with running(Layout(Path(sys.argv[1])) if sys.argv[1:] else None) as lab:
        verdicts = all_pairs(lab).verdicts()
    different = {name: verdict.difference for name, verdict in verdicts.items() if verdict.difference}
    for name, difference in different.items():
        sys.stdout.write(f"{name}\n{difference}\n\n")
    counts = table(verdicts)
    sys.stdout.write(counts)
    if not different:
        write(counts)
    return bool(different)


if __name__ == "__main__":
    sys.exit(main())
