"""The long form of the fuzzers: ``python -m tests.fuzz [NAME ...] --minutes M [--seed S]``.

Each fuzzer gets the same time, with consecutive seeds. A fault is printed with its seed, and its input is kept.
"""

import argparse
import itertools
import secrets
import sys
import time
from collections.abc import Iterator

from tests.fuzz import FUZZERS
from tests.fuzz.fuzzer import FOUND, Fuzzer, run


def main() -> int:
    """Run the fuzzers; return 1 after a fault."""
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"fuzzers: {', '.join(FUZZERS)}; default: all")
    parser.add_argument("--minutes", type=float, default=10, help="time of each fuzzer in minutes")
    parser.add_argument("--seed", type=int, default=None, help="first seed; a new one each time unless given")
    options = parser.parse_args()
    unknown = set(options.names) - FUZZERS.keys()
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    seed = secrets.randbelow(10**9) if options.seed is None else options.seed
    return max([_run(FUZZERS[name], seed, 60 * options.minutes) for name in options.names or FUZZERS])


def _run(fuzzer: Fuzzer, seed: int, seconds: float) -> int:
    outcome = run(fuzzer, _seeds(seed, seconds), _print)
    slowest, at = outcome.slowest
    _print(
        f"{fuzzer.name}: seed {seed}, {outcome.inputs} inputs, {len(outcome.faults)} faults; "
        f"slowest: {slowest:.2f} s of processor time with seed {at}"
    )
    if outcome.faults:
        _print(f"{fuzzer.name}: the inputs are kept in {FOUND}")
    return 1 if outcome.faults else 0


def _seeds(first: int, seconds: float) -> Iterator[int]:
    end = time.monotonic() + seconds
    return itertools.takewhile(lambda _: time.monotonic() < end, itertools.count(first))


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
