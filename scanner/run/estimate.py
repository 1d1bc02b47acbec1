"""Estimate of a scan by DNS lookups only: numbers of hosts, addresses, providers and connections, and duration."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import trio

from scanner.core.providers import provider_of
from scanner.net.gates import network_of
from scanner.run.host_result import HostKey
from scanner.run.hosts import HostExaminer
from scanner.run.ports import Ports
from scanner.run.routing import find_route, host_keys
from scanner.settings import Caps
from targets.lists import Reject, Target

PROBE_SECONDS = 2.0
"""Assumed duration in seconds of a probe without failures, including servers that delay their greeting."""

WORKERS = 64
"""Number of domains looked up concurrently; the DNS lookups of further domains would only wait for the resolver."""


@dataclass(slots=True)
class Estimate:
    """The estimated numbers of a scan.

    ``connections`` counts the connections to each address and port, ``providers`` the connections to each provider,
    and ``skipped`` the skipped addresses for each reason.
    """

    domains: int = 0
    rejects: int = 0
    hosts: set[HostKey] = field(default_factory=set)
    connections: Counter[tuple[str, int]] = field(default_factory=Counter)
    providers: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)

    def seconds(self, caps: Caps) -> float:
        """Return the duration of the scan in seconds, as limited by the connection limits and rate in ``caps``."""
        networks: Counter[str] = Counter()
        for (address, _), count in self.connections.items():
            networks[network_of(address)] += count
        total = self.connections.total()
        rounds = [total / caps.total]
        rounds += [count / caps.per_address for count in self.connections.values()]
        rounds += [count / caps.per_network for count in networks.values()]
        rounds += [count / caps.per_provider for count in self.providers.values()]
        return max(max(rounds) * PROBE_SECONDS, total / caps.rate)


async def estimate(items: Iterable[Target | Reject], ports: Ports) -> Estimate:
    """Return the estimate for a list of targets, without any SMTP connection."""
    counts = Estimate()
    examiner = HostExaminer(ports)
    targets = iter(items)
    async with trio.open_nursery() as nursery:
        for _ in range(WORKERS):
            nursery.start_soon(_work, targets, ports, examiner, counts)
    return counts


async def _work(items: Iterator[Target | Reject], ports: Ports, examiner: HostExaminer, counts: Estimate) -> None:
    for item in items:
        if isinstance(item, Reject) or ports.scope.domain(item.destination.host):
            counts.rejects += 1
            continue
        counts.domains += 1
        route = await find_route(item.destination, ports.lookup)
        for key in await examiner.within_limits(host_keys(route, item.destination, ports.settings.mode)):
            if key not in counts.hosts:
                counts.hosts.add(key)
                await _count(key, examiner, counts)


async def _count(key: HostKey, examiner: HostExaminer, counts: Estimate) -> None:
    chosen, skipped = await examiner.chosen_addresses(key)
    counts.skipped.update(str(each.reason) for each in skipped)
    for address in chosen:
        counts.connections[address, key.port] += 1
        counts.providers[provider_of(key.host)] += 1
