"""Attacks by peers, certificates and zones, each beside good domains: steps of the event loop, memory, verdicts."""

from collections.abc import Iterator
from dataclasses import replace

from tests.bench.loopback import BulkServer, pinned, serving
from tests.bench.model import Row
from tests.hostile.battle import ScanResult, hostile_servers, measured, plan_for
from tests.hostile.kinds import KINDS, AttackKind
from tests.hostile.meter import LONGEST

GOOD = 100
MEMORY = 50  # MB more than with the good domains alone
MANY = 10  # attacks with so many domains are also measured with one domain


def rows() -> list[Row]:
    """Scan the good domains alone, and beside each kind of attack."""
    with serving(GOOD) as server:
        alone = measured(plan_for(server, GOOD))
        first = Row("no attack", _figures(alone, 0.0))
        many = [kind for kind in KINDS if kind.domains >= MANY]
        attacks = [*((kind, kind.domains) for kind in KINDS), *((kind, 1) for kind in many)]
        return [first, *(_row(kind, few, alone, _beside(server, kind, few)) for kind, few in attacks)]


def _beside(server: BulkServer, kind: AttackKind, few: int) -> ScanResult:
    with pinned() as others, hostile_servers([kind.name], server.port, others):
        return measured(replace(plan_for(server, GOOD, [kind.name]), few=few))


def _row(kind: AttackKind, few: int, alone: ScanResult, seen: ScanResult) -> Row:
    growth = seen.memory - alone.memory
    same = seen.verdicts == alone.verdicts
    steady = seen.busiest <= LONGEST
    value = f"{_figures(seen, growth)}, {'the same verdicts' if same else 'other verdicts'}"
    target = f"step at most {LONGEST} s, {MEMORY} MB, the same verdicts"
    return Row(f"{kind.name} ({few} domains)", value, target, same and steady and growth <= MEMORY)


def _figures(seen: ScanResult, growth: float) -> str:
    parts: Iterator[str] = iter(
        (
            f"longest step {seen.busiest:.2f} s of processor time, {seen.longest:.2f} s",
            f"{seen.cpu:.1f} s of processor time in all",
            f"{growth:+.0f} MB",
        )
    )
    return ", ".join(parts)
