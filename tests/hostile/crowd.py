"""2,000 good domains together with 100 hostile domains of every kind: the same verdicts in nearly the same time.

Scans of the good domains alone and scans of all domains take turns. The least time of each kind counts, because other
work on the machine only adds time. The event loop is measured in one more scan of all domains.
"""

from dataclasses import replace

from tests.bench.loopback import pinned, serving
from tests.bench.model import Row
from tests.hostile.battle import hostile_servers, measured, plan_for
from tests.hostile.kinds import KINDS
from tests.hostile.meter import LONGEST

GOOD = 2000
TURNS = 2
RATIO = 1.3
MEMORY = 400  # MB


def rows() -> list[Row]:
    """Scan the good domains alone, and beside all kinds of attack at once."""
    names = [kind.name for kind in KINDS]
    with serving(GOOD) as server, pinned() as others, hostile_servers(names, server.port, others):
        by_themselves = replace(plan_for(server, GOOD), metered=False)
        crowd = plan_for(server, GOOD, names)
        turns = [(measured(by_themselves), measured(replace(crowd, metered=False))) for _ in range(TURNS)]
        metered = measured(crowd)
    alone, seen = (min(kind, key=lambda result: result.seconds) for kind in zip(*turns, strict=True))
    ratio = seen.seconds / alone.seconds
    results = [metered, *(beside for _, beside in turns)]
    different = {
        key for key, verdict in alone.verdicts.items() for each in results if each.verdicts.get(key) != verdict
    }
    internal = {key for each in results for key, verdict in each.hostile.items() if "internal" in verdict}
    memory = max(each.memory for each in results)
    return [
        Row("good domains alone", f"{alone.seconds:.1f} s, {len(alone.verdicts)} records"),
        Row(f"beside {len(seen.hostile)} hostile domains", f"{seen.seconds:.1f} s"),
        Row("time divided by the time alone", f"{ratio:.2f}", f"at most {RATIO}", ratio <= RATIO),
        Row("the same by processor time", f"{min(b.work for _, b in turns) / min(a.work for a, _ in turns):.2f}"),
        Row("processor time alone and beside them", f"{alone.cpu:.1f} s, {seen.cpu:.1f} s"),
        Row("good domains with another verdict", f"{len(different)}", "0", not different),
        Row("hostile domains with an internal error", f"{len(internal)}", "0", not internal),
        Row("memory", f"{memory:.0f} MB", f"at most {MEMORY} MB", memory <= MEMORY),
        Row(
            "longest step of the event loop",
            f"{metered.busiest:.2f} s of processor time ({metered.task}), {metered.longest:.2f} s",
            f"at most {LONGEST} s of processor time",
            metered.busiest <= LONGEST,
        ),
        Row("end of the hostile domains", f"{seen.whole:.1f} s"),
    ]
