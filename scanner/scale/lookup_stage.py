"""The DNS lookups before the plan: the MX answers of destinations, and the addresses of MX hosts."""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import trio

from results.store import codec
from results.store.files import naming
from scanner.facts import Answer
from scanner.net.error_groups import root_cause
from scanner.net.failures import TEXT_LIMIT
from scanner.run.addresses import choose_addresses, find_addresses
from scanner.run.ports import Ports, now
from scanner.run.routing import find_route, host_keys
from scanner.scale.plan_files import AddressLine, RouteLine, whole_file
from scanner.vocabulary import Outcome, Security
from targets.lists import Target

_T = TypeVar("_T")


async def find_routes(path: Path, targets: Iterator[Target], ports: Ports) -> None:
    """Write the MX answer of each target to a file.

    If the lookup of a target ends with an internal error, the line of that target contains the error.

    Raises:
        StoreError: the file cannot be written.
    """

    async def route(target: Target) -> RouteLine:
        destination, began = target.destination, now()
        try:
            found = await find_route(destination, ports.lookup)
        except Exception as error:  # noqa: BLE001 - recorded with the target; the other targets are looked up
            return RouteLine(destination.key, began, None, (), _text(error))
        keys = host_keys(found, destination, ports.settings.mode)[: ports.settings.hosts]
        return RouteLine(destination.key, began, found.mx, tuple((key.host, key.port) for key in keys))

    await _write_each(path, targets, route, ports)


async def find_host_addresses(path: Path, hosts: Iterator[tuple[str, int]], ports: Ports) -> None:
    """Write the addresses of each MX host to a file, and which of the addresses are probed.

    After an internal error, the answers of the host are failed lookups, so that the other hosts are not affected.

    Raises:
        StoreError: the file cannot be written.
    """

    async def addresses(host: tuple[str, int]) -> AddressLine:
        try:
            found = await find_addresses(host[0], ports.lookup)
            chosen, skipped = choose_addresses(host[0], found.all, ports)
        except Exception as error:  # noqa: BLE001 - recorded and counted; the other hosts are looked up
            ports.stats.internal_errors += 1
            return AddressLine(*host, _failed(host[0], "A", error), _failed(host[0], "AAAA", error), (), ())
        return AddressLine(*host, found.a, found.aaaa, tuple(chosen), skipped)

    await _write_each(path, hosts, addresses, ports)


def _text(error: Exception) -> str:
    cause = root_cause(error)
    return f"{type(cause).__name__}: {cause}"[:TEXT_LIMIT]


def _failed(host: str, rtype: str, error: Exception) -> Answer:
    return Answer(host, rtype, Outcome.ERROR, Security.INDETERMINATE, error=f"internal error: {_text(error)}")


async def _write_each(path: Path, items: Iterator[_T], work: Callable[[_T], Awaitable[object]], ports: Ports) -> None:
    """Write the result of a function for each item, with as many items at once as DNS queries may be in flight."""
    with whole_file(path) as file, naming(path):

        async def worker() -> None:
            for item in items:
                file.write(codec.encode(await work(item)))
                ports.stats.judged += 1
                ports.stats.done += 1

        async with trio.open_nursery() as nursery:
            for _ in range(ports.settings.dns.in_flight):
                nursery.start_soon(worker)
