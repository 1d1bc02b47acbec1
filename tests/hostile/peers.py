"""Attacks by peers, certificates and zones, each beside good domains: steps of the event loop, memory, verdicts."""

from collections.abc import Iterator

from tests.bench.loopback import BulkServer, pinned, serving
from tests.bench.model import Row
from tests.hostile.battle import ScanResult, hostile_servers, measured, plan_for
from tests.hostile.kinds import KINDS, AttackKind
from tests.hostile.meter import LONGEST

GOOD = 100
MEMORY = 50  # MB more than with the good domains alone


def rows() -> list[Row]:
    """Scan the good domains alone, and beside each kind of attack."""
    with serving(GOOD) as server:
        alone = measured(plan_for(server, GOOD))
        first = Row("no attack", _figures(alone, 0.0))
        return [first, *(_row(kind, alone, _beside(server, kind)) for kind in KINDS)]


def _beside(server: BulkServer, kind: AttackKind) -> ScanResult:
    with pinned() as others, hostile_servers([kind.name], server.port, others):
        return measured(plan_for(server, GOOD, [kind.name]))


def _row(kind: AttackKind, alone: ScanResult, seen: ScanResult) -> Row:
    growth = seen.memory - alone.memory
    same = seen.verdicts == alone.verdicts
    steady = seen.busiest <= LONGEST
    value = f"{_figures(seen, growth)}, {'the same verdicts' if same else 'other verdicts'}"
    target = f"step at most {LONGEST} s, {MEMORY} MB, the same verdicts"
    return Row(f"{kind.name} ({kind.domains} domains)", value, target, same and steady and growth <= MEMORY)


def _figures(seen: ScanResult, growth: float) -> str:
    parts: Iterator[str] = iter(
        (
            f"longest step {seen.busiest:.2f} s of processor time, {seen.longest:.2f} s",
            f"{seen.cpu:.1f} s of processor time in all",
            f"{growth:+.0f} MB",
        )
    )
    return ", ".join(parts)
