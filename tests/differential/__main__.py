"""The long form of the comparison: ``python -m tests.differential --cases 10000 [--seed N]``."""

import argparse
import secrets
import sys
import time

from tests.differential import compare

PROGRAM_SHARE = 10
"""Of so many cases one is also shown to the openssl program, which takes 50 times as long."""


def main() -> int:
    """Compare as many cases as asked for; return 1 if a difference is unexplained."""
    parser = argparse.ArgumentParser(prog="tests.differential", description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000, help="number of random chains")
    parser.add_argument("--seed", type=int, default=None, help="first seed; a new one each time unless given")
    options = parser.parse_args()
    seed = secrets.randbelow(10**9) if options.seed is None else options.seed
    print(f"seed {seed}, {options.cases} cases", flush=True)  # noqa: T201 - a command's output
    started = time.process_time()
    library = compare.paths(range(seed, seed + options.cases))
    _show("paths, by the library", library)
    program = compare.by_program(range(seed, seed + options.cases // PROGRAM_SHARE))
    _show("paths and TLSA records, by the openssl program", program)
    for reason, count in (library.explained + program.explained).items():
        print(f"explained {count} times: {reason}")  # noqa: T201 - a command's output
    print(f"{time.process_time() - started:.0f} s of processor time, without the programs")  # noqa: T201 - a command's output
    return 1 if library.differences or program.differences else 0


def _show(what: str, tally: compare.Tally) -> None:
    for difference in tally.differences:
        print(difference)  # noqa: T201 - a command's output
    print(f"{what}: {tally}", flush=True)  # noqa: T201 - a command's output


if __name__ == "__main__":
    sys.exit(main())
