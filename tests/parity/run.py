"""One run of all written pairs."""

import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.lab.use import Lab
from tests.parity.alone import ALONE
from tests.parity.cases import CASES
from tests.parity.compare import Outcome, PairVerdict, compare
from tests.parity.normaliser import ROWS

LIMIT = 600.0  # seconds; a minute on an idle machine
README = Path(__file__).with_name("README.md")
START, END = "<!-- counts -->", "<!-- counts-end -->"


@dataclass(frozen=True, slots=True)
class ParityRun:
    """The outcomes, by the driver's names."""

    outcomes: dict[str, Outcome]

    def verdicts(self) -> dict[str, PairVerdict]:
        """Return the comparison of each pair, by its name."""
        found = self.outcomes
        return {case.name: compare(case, found[f"{case.name}.debian"], found[f"{case.name}.mxsweep"]) for case in CASES}


def all_pairs(lab: Lab) -> ParityRun:
    """Run everything once, in one process of the lab."""
    lines: dict[str, list[str]] = {}
    for case in CASES:
        lines.update(case.lines())
    for alone in ALONE:
        lines.update(alone.lines())
    command = (sys.executable, "-m", "tests.parity.driver", str(lab.layout.state))
    done = lab.run(*command, stdin=json.dumps(lines), timeout=LIMIT)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return ParityRun(json.loads(done.stdout))


def table(verdicts: dict[str, PairVerdict]) -> str:
    """Return the counts in Markdown."""
    equal = [verdict for verdict in verdicts.values() if not verdict.difference]
    needed = Counter(row for verdict in equal for row in verdict.rows)
    rows = [
        ("pairs", len(verdicts), "all pairs of runs with a command line of the tests (not made at random)"),
        ("equal as they are", sum(not verdict.rows for verdict in equal), "pairs without any difference"),
        (
            "equal except for allowed differences",
            sum(bool(verdict.rows) for verdict in equal),
            "pairs whose differences are all allowed by one or more of the rows below",
        ),
        ("different", len(verdicts) - len(equal), "pairs with a difference that no other row of this table names"),
        *(
            (f"with the allowed difference “{row.name}”", needed[row.name], row.why)
            for row in ROWS
            if not row.random_only
        ),
    ]
    body = "".join(f"| {what} | {count} | {why} |\n" for what, count, why in rows)
    head = "| pairs of runs (one run of posttls-finger and one of mxsweep) | number of pairs | explanation |"
    return f"{head}\n|---|---:|---|\n{body}"


def write(counts: str) -> None:
    """Write the counts into the README."""
    text = README.read_text()
    before, _, rest = text.partition(START)
    after = rest.partition(END)[2]
    README.write_text(f"{before}{START}\n\n{counts}\n{END}{after}")
