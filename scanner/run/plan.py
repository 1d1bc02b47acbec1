"""What a scan would do: hosts, addresses, providers and connections, found by DNS alone."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import trio

from scanner.core import route
from scanner.core.providers import provider_of
from scanner.net.gates import network_of
from scanner.run.hosts import HostExaminer, HostKey
from scanner.run.ports import Ports
from targets.destination import Kind
from targets.lists import Reject, Target

PROBE_SECONDS = 2.0
"""A guess at how long a connection takes when all is well: a few round trips, and servers that greet slowly."""

WORKERS = 64
"""DNS questions are cheap; more at once would only queue at the resolver."""


@dataclass(slots=True)
class Plan:
    """Counts of what would be contacted, ``connections`` by address; ``skipped`` addresses by reason."""

    domains: int = 0
    rejects: int = 0
    hosts: set[HostKey] = field(default_factory=set)
    connections: Counter[tuple[str, int]] = field(default_factory=Counter)
    providers: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)

    def seconds(self, tools: Ports) -> float:
        """Expected duration at the caps: the busiest address, network or provider, or all together."""
        caps = tools.settings.caps
        networks: Counter[str] = Counter()
        for (address, _), count in self.connections.items():
            networks[network_of(address)] += count
        total = self.connections.total()
        rounds = [total / caps.total]
        rounds += [count / caps.per_address for count in self.connections.values()]
        rounds += [count / caps.per_network for count in networks.values()]
        rounds += [count / caps.per_provider for count in self.providers.values()]
        return max(max(rounds) * PROBE_SECONDS, total / caps.rate)


async def plan(items: Iterable[Target | Reject], tools: Ports) -> Plan:
    """Route every target and resolve its hosts; no connection is made."""
    found = Plan()
    examiner = HostExaminer(tools)
    rest = iter(items)
    async with trio.open_nursery() as workers:
        for _ in range(WORKERS):
            workers.start_soon(_work, rest, tools, examiner, found)
    return found


async def _work(items: Iterator[Target | Reject], tools: Ports, examiner: HostExaminer, found: Plan) -> None:
    for item in items:
        if isinstance(item, Reject) or tools.scope.domain(item.destination.host):
            found.rejects += 1
            continue
        found.domains += 1
        for key in await _hosts(item, tools):
            if key not in found.hosts:
                found.hosts.add(key)
                await _count(key, examiner, found)


async def _hosts(target: Target, tools: Ports) -> list[HostKey]:
    destination = target.destination
    if destination.kind is Kind.DOMAIN:
        way = route.from_mx(destination.host, await tools.lookup(destination.host, "MX"))
    else:
        way = route.direct(destination.host)
    return [HostKey(hop.host, destination.port, tools.settings.mode) for hop in way.hosts]


async def _count(key: HostKey, examiner: HostExaminer, found: Plan) -> None:
    contacted, skipped = await examiner.would_contact(key)
    found.skipped.update(str(each.reason) for each in skipped)
    for address in contacted:
        found.connections[address, key.port] += 1
        found.providers[provider_of(key.host)] += 1
