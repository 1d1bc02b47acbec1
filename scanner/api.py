"""The scanner as a Python library: functions that scan mail domains and return a record with verdicts of each domain.

Example for a script or a notebook (``scan_all`` also works in a notebook, which already runs an event loop):

    from scanner import api

    for record in api.scan_all(["example.com", "example.org"], level="dane"):
        print(record.key, record.verdict.outcome, record.verdict.dane)

Example for a trio program, which receives each record as soon as its domain has been examined:

    async with api.scan(["example.com", "example.org"]) as records:
        async for record in records:
            ...

Each record has the content of one line of ``mxsweep scan -o -``: ``record.reports`` contains the reports of the MX
hosts, and ``record.certificates`` contains summaries of the hosts' certificates. Messages for the user go to the logger
``mxsweep`` of the standard module ``logging``.
"""

import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike
from threading import Thread
from typing import TypeVar

import trio

from results.store.line_sink import standing_alone
from scanner.cli.errors import CliError
from scanner.cli.input import ANONYMOUS_TARGETS
from scanner.cli.resolver_choice import ResolverChoice, mode_of
from scanner.cli.tools import trust_store, wired
from scanner.cli.wiring import ehlo_name, fit_resolver
from scanner.core.pkix import TrustStore
from scanner.facts import CertFacts
from scanner.model import DomainRecord, HostReport
from scanner.net.error_groups import first_error
from scanner.net.unbound import UnboundError
from scanner.run import pipeline
from scanner.run.stats import Stats
from scanner.settings import Retries, Settings
from scanner.vocabulary import Level
from targets.destination import DestinationError, parse_destination
from targets.lists import ListError, Target
from targets.scope import Scope, load_exclusions

__all__ = ["DomainRecord", "ScanError", "Settings", "scan", "scan_all"]

T = TypeVar("T")

log = logging.getLogger("mxsweep")


class ScanError(Exception):
    """Error: a scan is not possible, for example because a file is unreadable or no resolver is usable.

    The message of the error states the cause.
    """


def scan_all(
    names: Iterable[str],
    *,
    level: Level | str | None = None,
    ehlo: str | None = None,
    settings: Settings | None = None,
    resolver: Iterable[str] = (),
    unvalidated: bool = False,
    exclude: Iterable[str | PathLike[str]] = (),
) -> list[DomainRecord]:
    """Scan mail domains and return their records, one record for each destination, in the order of the names.

    The scan runs in a thread of its own, so that a script, a notebook cell and a function of a running asyncio or trio
    program can call ``scan_all``. The call blocks until the scan ends. An interrupt (Ctrl-C) ends the scan.

    Args:
        names: destinations: domains, ``[host]``, ``host:port`` or addresses. A domain is scanned once, even if it is
            named several times. Domains in the files of ``exclude`` have no record.
        level: TLS security level at which verdicts are determined; the default is the level in ``settings``.
        ehlo: name to send in EHLO; the default is the name in ``settings`` or, without settings, the name of this host.
        settings: all other settings of a scan, such as port, timeouts (seconds), limits and rates. By default,
            the defaults of the command ``mxsweep scan`` apply, but without retry passes.
        resolver: values of ``--resolver``: ``auto`` (the default), ``system``, ``unbound`` or addresses.
        unvalidated: true to scan without DANE verdicts if no resolver validates DNSSEC.
        exclude: files that list domains, MX hosts and networks not to contact.

    Raises:
        ValueError: a name is not a destination, or ``level`` is not a TLS security level.
        ScanError: a file of ``exclude`` or of CA certificates cannot be read, no resolver validates DNSSEC, or
            ``names`` contains more than 1,000 destinations and neither ``ehlo`` nor ``settings`` is given.
    """
    job = _job(names, level, ehlo, settings, resolver, exclude, unvalidated=unvalidated)

    return _in_thread(partial(_collected, job))


@asynccontextmanager
async def scan(
    names: Iterable[str],
    *,
    level: Level | str | None = None,
    ehlo: str | None = None,
    settings: Settings | None = None,
    resolver: Iterable[str] = (),
    unvalidated: bool = False,
    exclude: Iterable[str | PathLike[str]] = (),
) -> AsyncIterator[trio.MemoryReceiveChannel[DomainRecord]]:
    """Scan mail domains in a trio program; leaving the ``async with`` block before the last record ends the scan.

    The arguments are the arguments of ``scan_all``. With ``settings.retries``, each retry pass yields another record of
    an inconclusive domain; the last record replaces the earlier records.

    Yields:
        A channel that receives each record as soon as its domain has been examined. Records stay in memory until the
        program receives them.

    Raises:
        ValueError: in the same cases as in ``scan_all``.
        ScanError: in the same cases as in ``scan_all``, or if the unbound process that the scan started ended
            unexpectedly.
    """
    job = _job(names, level, ehlo, settings, resolver, exclude, unvalidated=unvalidated)
    async with _records(job) as records:
        yield records


# --- implementation -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Job:
    """The checked arguments of a scan."""

    targets: tuple[Target, ...]
    settings: Settings
    choice: ResolverChoice
    trust: TrustStore
    scope: Scope


def _job(
    names: Iterable[str],
    level: Level | str | None,
    ehlo: str | None,
    settings: Settings | None,
    resolver: Iterable[str],
    exclude: Iterable[str | PathLike[str]],
    *,
    unvalidated: bool,
) -> _Job:
    base = settings or Settings(retries=Retries(times=0))
    targets = _targets(names, base)
    if ehlo is None and settings is None and len(targets) > ANONYMOUS_TARGETS:
        raise ScanError(f"more than {ANONYMOUS_TARGETS} domains: ehlo must be a name of this machine")
    try:
        mode, servers = mode_of(tuple(resolver))
        own = base.ehlo if ehlo is None and settings is not None else ehlo_name(ehlo)
        return _Job(
            targets,
            replace(
                base,
                level=base.level if level is None else Level(level),
                ehlo=own,
                dns=replace(base.dns, servers=servers or base.dns.servers),
            ),
            ResolverChoice(mode, servers, unvalidated=unvalidated),
            trust_store(base.ca_file, base.ca_path, log.warning),
            Scope(allow_private=base.allow_private, exclusions=load_exclusions(exclude)),
        )
    except (CliError, ListError) as error:
        raise ScanError(str(error)) from None


def _targets(names: Iterable[str], settings: Settings) -> tuple[Target, ...]:
    """Parse the names of destinations; a name with the same destination as an earlier name is ignored."""
    found: dict[str, Target] = {}
    for number, name in enumerate(names, 1):
        text = name if name.startswith("[") else name.removesuffix(".")
        try:
            destination = parse_destination(text.lower(), lmtp=settings.mode.lmtp, default_port=settings.port)
        except DestinationError as error:
            raise ValueError(f"{name!r}: {error.reason}") from None
        found.setdefault(destination.key, Target(destination, name, "names", number))
    return tuple(found.values())


class _ChannelSink:
    """A sink (receiver of the records of a scan) that sends the domain records into a trio channel."""

    def __init__(self, channel: trio.MemorySendChannel[DomainRecord]) -> None:
        self._channel = channel

    def put_domain(self, record: DomainRecord, reports: Sequence[HostReport], certs: Mapping[str, CertFacts]) -> None:
        """Send a record into the channel; do nothing after the receiver has closed its end of the channel."""
        with suppress(trio.BrokenResourceError):
            self._channel.send_nowait(standing_alone(record, reports, certs))

    def put_reject(self, file: str, line: int, raw: str, reason: str) -> None:
        """Log a name that is excluded from the scan, and the reason."""
        log.warning("%s:%d: %s: not scanned: %s", file, line, raw, reason)

    def sync(self) -> None:
        """Do nothing, because ``put_domain`` sends each record at once."""


@asynccontextmanager
async def _records(job: _Job) -> AsyncIterator[trio.MemoryReceiveChannel[DomainRecord]]:
    send, receive = trio.open_memory_channel[DomainRecord](math.inf)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_work, job, send)
            with receive:
                yield receive
            nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        error = first_error(group)
        raise ScanError(str(error)) if isinstance(error, CliError | UnboundError) else error from None


async def _collected(job: _Job) -> list[DomainRecord]:
    """Scan the targets of the job and return the last record of each target, in the order of ``job.targets``."""
    found = {}
    async with _records(job) as records:
        async for record in records:
            found[record.key] = record
    return [found[target.destination.key] for target in job.targets if target.destination.key in found]


async def _work(job: _Job, send: trio.MemorySendChannel[DomainRecord]) -> None:
    stats = Stats(total=len(job.targets))
    with send:
        async with (
            fit_resolver(job.settings, job.choice, log.warning) as resolved,
            wired(job.settings, job.trust, job.scope, resolved, stats, log.warning) as ports,
        ):
            await pipeline.scan(iter(job.targets), ports, _ChannelSink(send), pipeline.Stop())


def _in_thread(work: Callable[[], Awaitable[T]]) -> T:
    """Run ``work`` with trio in a new thread and return its result.

    An exception in the calling thread, such as an interrupt, cancels ``work``. The new thread adds its trio token to
    the list ``tokens`` and then reads the list ``cancelled``. After an exception, the calling thread adds an item to
    ``cancelled`` and then reads ``tokens``. Because each thread writes before it reads, at least one thread reads the
    item of the other thread and cancels ``work``.
    """
    scope = trio.CancelScope()
    result: Future[T] = Future()
    tokens: list[trio.lowlevel.TrioToken] = []
    cancelled: list[bool] = []

    async def main() -> None:
        tokens.append(trio.lowlevel.current_trio_token())
        with scope:
            if cancelled:
                scope.cancel()
            result.set_result(await work())

    def run() -> None:
        try:
            trio.run(main)
        except BaseException as error:  # noqa: BLE001 - raised in the calling thread
            result.set_exception(error)

    thread = Thread(target=run, name="mxsweep")
    try:
        thread.start()
        return result.result()
    finally:
        cancelled.append(True)
        for token in tokens:
            with suppress(trio.RunFinishedError):
                token.run_sync_soon(scope.cancel)
        if thread.is_alive():
            thread.join()
