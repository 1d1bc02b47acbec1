"""``python -m tests.parity``: run all pairs, show what differs, and write the counts into the README.

``--random N`` runs N random pairs instead, of a new seed, which is printed, or of ``--seed S``. ``--state DIRECTORY``
names another lab.
"""

import argparse
import secrets
import sys
from pathlib import Path

from tests.lab.layout import Layout
from tests.lab.use import Lab, running
from tests.parity.randomised.run import random_pairs
from tests.parity.run import all_pairs, table, write


def main() -> int:
    """Run what the command line asks for; exit status 1 if anything differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity")
    parser.add_argument("--random", type=int, metavar="N", help="run N random pairs instead of the written ones")
    parser.add_argument("--seed", type=int, metavar="S", help="the seed of the random pairs; without it a new one")
    parser.add_argument("--state", type=Path, metavar="DIRECTORY", help="the state directory of the lab")
    given = parser.parse_args()
    with running(Layout(given.state) if given.state else None) as lab:
        if given.random:
            return _random(lab, given.random, secrets.randbits(32) if given.seed is None else given.seed)
        return _written(lab)


def _written(lab: Lab) -> int:
    verdicts = all_pairs(lab).verdicts()
    different = {name: verdict.difference for name, verdict in verdicts.items() if verdict.difference}
    for name, difference in different.items():
        sys.stdout.write(f"{name}\n{difference}\n\n")
    counts = table(verdicts)
    sys.stdout.write(counts)
    if not different:
        write(counts)
    return bool(different)


def _random(lab: Lab, count: int, seed: int) -> int:
    sys.stdout.write(f"seed {seed}\n")
    sys.stdout.flush()
    pairs = random_pairs(lab, seed, count)
    different = [pair for pair in pairs if pair.difference]
    unsteady = [pair for pair in pairs if pair.unsteady]
    again = sum(len(pair.verdicts) > 1 for pair in pairs)
    for pair in different:
        sys.stdout.write(f"{pair.name} {pair.line}\n{pair.difference}\n\n")
    for pair in unsteady:
        attempts = "\n".join(verdict.difference for verdict in pair.verdicts)
        sys.stdout.write(f"unsteady: {pair.name} {pair.line}\n{attempts}\n\n")
    sys.stdout.write(
        f"{len(pairs)} pairs of seed {seed}: {len(different)} differ, {again} were run again, "
        f"{len(unsteady)} of these differ each time in another way\n"
    )
    return bool(different or unsteady)


if __name__ == "__main__":
    sys.exit(main())
