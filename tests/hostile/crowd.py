"""2,000 good domains together with 100 hostile domains of every kind: the same verdicts in nearly the same time."""

from tests.bench.loopback import pinned, serving
from tests.bench.model import Row
from tests.hostile.battle import hostile_servers, measured, plan_for
from tests.hostile.kinds import KINDS
from tests.hostile.meter import LONGEST

GOOD = 2000
RATIO = 1.3
MEMORY = 400  # MB


def rows() -> list[Row]:
    """Scan the good domains alone, and beside all kinds of attack at once."""
    names = [kind.name for kind in KINDS]
    with serving(GOOD) as server, pinned() as others:
        alone = measured(plan_for(server, GOOD))
        with hostile_servers(names, server.port, others):
            seen = measured(plan_for(server, GOOD, names))
    ratio = seen.seconds / alone.seconds
    different = sum(seen.verdicts.get(key) != verdict for key, verdict in alone.verdicts.items())
    internal = sorted(key for key, verdict in seen.hostile.items() if "internal" in verdict)
    return [
        Row("good domains alone", f"{alone.seconds:.1f} s, {len(alone.verdicts)} records"),
        Row(f"beside {len(seen.hostile)} hostile domains", f"{seen.seconds:.1f} s"),
        Row("time divided by the time alone", f"{ratio:.2f}", f"at most {RATIO}", ratio <= RATIO),
        Row("the same by processor time", f"{seen.work / alone.work:.2f}"),
        Row("processor time alone and beside them", f"{alone.cpu:.1f} s, {seen.cpu:.1f} s"),
        Row("good domains with another verdict", f"{different}", "0", different == 0),
        Row("hostile domains with an internal error", f"{len(internal)}", "0", not internal),
        Row("memory", f"{seen.memory:.0f} MB", f"at most {MEMORY} MB", seen.memory <= MEMORY),
        Row(
            "longest step of the event loop",
            f"{seen.busiest:.2f} s of processor time ({seen.task}), {seen.longest:.2f} s",
            f"at most {LONGEST} s of processor time",
            seen.busiest <= LONGEST,
        ),
        Row("end of the hostile domains", f"{seen.whole:.1f} s"),
    ]
