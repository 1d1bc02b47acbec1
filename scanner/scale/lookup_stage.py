"""The DNS lookups before the plan of a scan is made: the MX answers of destinations, and the addresses of MX hosts.

A retry pass repeats the lookups that failed, and replaces the lines of the repeated lookups that succeed.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import trio

from results.store import codec
from results.store.files import naming
from scanner.core import retry
from scanner.facts import Answer
from scanner.net.error_groups import root_cause
from scanner.net.failures import TEXT_LIMIT
from scanner.run.addresses import choose_addresses, find_addresses
from scanner.run.ports import Ports, now
from scanner.run.routing import find_route, host_keys
from scanner.scale.job import Stage
from scanner.scale.plan_files import NOT_YET, AddressLine, RouteLine, read_lines, whole_file
from scanner.vocabulary import Outcome, Security
from targets.lists import Target

_T = TypeVar("_T")
_Line = TypeVar("_Line", RouteLine, AddressLine)


async def find_routes(path: Path, targets: Iterator[Target], ports: Ports) -> int:
    """Write the MX answer of each target to a file, and return the number of failed lookups.

    After an internal error, the line of the target describes the error, so that the other targets are not affected.

    Raises:
        StoreError: the file cannot be written.
    """
    return await _write_each(path, targets, lambda target: _route(target, ports), ports)


async def find_host_addresses(path: Path, hosts: Iterator[tuple[str, int]], ports: Ports) -> int:
    """Write the addresses and the addresses to probe of each MX host to a file; return the number of failed lookups.

    An internal error of mxsweep is written as failed lookups of the host, and does not affect the other hosts.

    Raises:
        StoreError: the file cannot be written.
    """
    return await _write_each(path, hosts, lambda host: _addresses(host, ports), ports)


async def repeat_routes(path: Path, targets: Iterable[Target], again: int, ports: Ports) -> int:
    """Repeat the failed MX lookups of a file of ``RouteLine`` records; return the number of lookups that failed again.

    Args:
        path: the file, which is replaced if an answer was found.
        targets: the targets of the file.
        again: the number of the retry pass.
        ports: interfaces for the lookups.

    Raises:
        StoreError: the file cannot be read or written.
    """
    failed = {line.key for line in read_lines(path, RouteLine) if has_failed(line)}
    by_key = {target.destination.key: target for target in targets if target.destination.key in failed}

    async def work(line: RouteLine) -> RouteLine:
        found = await _route(by_key[line.key], ports)
        return line if found.error else replace(found, again=again)

    return await _repeat(path, RouteLine, work, ports)


async def repeat_addresses(path: Path, again: int, ports: Ports) -> int:
    """Repeat the failed lookups of a file of addresses; arguments and result are those of ``repeat_routes``.

    Raises:
        StoreError: the file cannot be read or written.
    """

    async def work(line: AddressLine) -> AddressLine:
        return replace(await _addresses((line.host, line.port), ports), again=again)

    return await _repeat(path, AddressLine, work, ports)


def failed_lookups(stage: Stage, path: Path) -> int:
    """Return the number of failed lookups of a file of the stage ``routes`` or ``addresses``.

    Raises:
        StoreError: the file cannot be read.
    """
    kind: type[RouteLine | AddressLine] = RouteLine if stage is Stage.ROUTES else AddressLine
    return sum(map(has_failed, read_lines(path, kind)))


def has_failed(line: RouteLine | AddressLine) -> bool:
    """Return whether a lookup recorded in a line failed, so that another lookup could find an answer."""
    if isinstance(line, RouteLine):
        return line.mx is not None and retry.unanswered(line.mx)
    answers = [answer for answer in (line.a, line.aaaa) if answer is not None]
    return line.again == NOT_YET or any(map(retry.unanswered, answers))


# --- one lookup -------------------------------------------------------------------------------------------------


async def _route(target: Target, ports: Ports) -> RouteLine:
    destination, began = target.destination, now()
    try:
        found = await find_route(destination, ports.lookup)
    except Exception as error:  # noqa: BLE001 - recorded with the target; the other targets are looked up
        return RouteLine(destination.key, began, None, (), _text(error))
    keys = host_keys(found, destination, ports.settings.mode)[: ports.settings.hosts]
    return RouteLine(destination.key, began, found.mx, tuple((key.host, key.port) for key in keys))


async def _addresses(host: tuple[str, int], ports: Ports) -> AddressLine:
    try:
        found = await find_addresses(host[0], ports)
        chosen, skipped = choose_addresses(host[0], found.all, ports)
    except Exception as error:  # noqa: BLE001 - recorded and counted; the other hosts are looked up
        ports.stats.internal_errors += 1
        return AddressLine(*host, _failed(host[0], "A", error), _failed(host[0], "AAAA", error), (), ())
    return AddressLine(*host, found.a, found.aaaa, tuple(chosen), skipped)


def _text(error: Exception) -> str:
    cause = root_cause(error)
    return f"{type(cause).__name__}: {cause}"[:TEXT_LIMIT]


def _failed(host: str, rtype: str, error: Exception) -> Answer:
    return Answer(host, rtype, Outcome.ERROR, Security.INDETERMINATE, error=f"internal error: {_text(error)}")


# --- many lookups -----------------------------------------------------------------------------------------------


async def _write_each(
    path: Path, items: Iterator[_T], work: Callable[[_T], Awaitable[RouteLine | AddressLine]], ports: Ports
) -> int:
    """Write the result of ``work`` for each item to a file, and return the number of failed lookups."""
    failed = 0
    with whole_file(path) as file, naming(path):

        async def write(item: _T) -> None:
            nonlocal failed
            line = await work(item)
            file.write(codec.encode(line))
            failed += has_failed(line)

        await for_each(items, write, ports)
    return failed


async def _repeat(path: Path, kind: type[_Line], work: Callable[[_Line], Awaitable[_Line]], ports: Ports) -> int:
    """Repeat the failed lookups of a file; the lines of lookups that failed again stay as they are."""
    found: dict[tuple[object, ...], _Line] = {}
    failed = 0

    async def look(line: _Line) -> None:
        nonlocal failed
        fresh = await work(line)
        failed += has_failed(fresh)
        if line.again == NOT_YET or not has_failed(fresh):
            found[_key(line)] = fresh

    await for_each(filter(has_failed, read_lines(path, kind)), look, ports)
    if found:
        with whole_file(path) as file:
            for line in read_lines(path, kind):
                file.write(codec.encode(found.get(_key(line), line)))
    return failed


def _key(line: RouteLine | AddressLine) -> tuple[object, ...]:
    return (line.key,) if isinstance(line, RouteLine) else (line.host, line.port)


async def for_each(items: Iterator[_T], work: Callable[[_T], Awaitable[None]], ports: Ports) -> None:
    """Call ``work`` for each item, for as many items at the same time as DNS questions may be in flight."""

    async def worker() -> None:
        for item in items:
            await work(item)
            ports.stats.judged += 1
            ports.stats.done += 1

    async with trio.open_nursery() as nursery:
        for _ in range(ports.settings.dns.in_flight):
            nursery.start_soon(worker)
