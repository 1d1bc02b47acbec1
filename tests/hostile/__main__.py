"""``python -m tests.hostile [NAME ...]``: run attacks in full, print one table; exit 1 where a target was missed.

An attack is a module of this package with a function ``rows()``. ``all`` or no name runs every attack.
"""

import sys

import tests.hostile
from tests.bench.measure import run

if __name__ == "__main__":
    sys.exit(run(tests.hostile, "attack", sys.argv[1:]))
