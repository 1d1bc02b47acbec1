"""``python -m tests.bench [NAME ...]``: run benchmarks, print one table; exit 1 where a target was missed.

A benchmark is a module of this package with a function ``rows()``.
"""

import sys

import tests.bench
from tests.bench.measure import run

RESERVED = {"soak", "disturbed", "parts_killed", "parts_large"}  # they take long, so they never run among the others

if __name__ == "__main__":
    sys.exit(run(tests.bench, "benchmark", sys.argv[1:], RESERVED))
