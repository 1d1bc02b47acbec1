"""The first part of ``mxsweep scan``: check the options, read the input, and choose the resolver.

The first packet of a scan is a question to the resolver. This module imports only the code that a scan needs before its
first packet; ``code_of`` loads the rest of the code of a scan while the resolver answers.
"""

import gc
import logging
import resource
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import trio

from results.store.files import StoreError
from scanner.cli import code_of
from scanner.cli import request as requests
from scanner.cli.console import say
from scanner.cli.errors import CliError, Exit
from scanner.cli.exclusive import exclusive
from scanner.cli.hangup import hangup
from scanner.cli.input import spooled
from scanner.cli.progress_request import ProgressRequest, progress_request
from scanner.cli.request import Request
from scanner.cli.wiring import fit_resolver, load_codecs
from scanner.core.file_limit import FILES_BESIDE, LEAST, InFlight, permitted
from scanner.net.error_groups import first_error
from scanner.net.unbound import UnboundError
from scanner.settings import Settings
from targets.spool import Spool

if TYPE_CHECKING:
    from scanner.cli.log_file import LogFile

log = logging.getLogger("mxsweep")

REST = (
    *("scanner.model:RunHeader", "OpenSSL.SSL:Connection", "scanner.core.verdict:judge"),
    *("scanner.run.pipeline:scan", "results.store.writer:Store", "scanner.cli.tools:wired", "scanner.cli.scan:scan"),
)
"""The objects (``module:name``) that a scan needs after the choice of the resolver, in the order of their import."""

ANSWER = 0.02
"""Seconds to wait before each import of ``REST``, in which DNS questions are sent and DNS answers are processed."""

COLLECT = (1_000_000, 20, 20)
"""Thresholds of the garbage collector (``gc.set_threshold``).

The first garbage collection threshold is above the number of objects that a scan keeps (some 130 for each MX host).
Probes create no reference cycles, even if they fail, and searching the objects in memory for cycles took 5 % of a
scan's processor time. Objects in uncollected reference cycles could occupy at most 100 MB.
"""


def run(flags: dict[str, Any], given: AbstractSet[str]) -> int:
    """Run ``mxsweep scan`` and return the exit code.

    Args:
        flags: all options by name.
        given: names of the options that the user gave, in the command line or the configuration file.

    Raises:
        CliError: the usage or the input is wrong, or the environment is not suitable for a scan.
    """
    log_file = _open_log(flags["log_file"])
    if flags["resume"] or flags["retry_inconclusive"]:
        flags = code_of("scanner.cli.resume:resumed")(flags, given)
    choice = None
    if flags["dask"] or flags["dask_security"] or flags["resume"]:
        choice = code_of("scanner.cli.scale:choice_of")(flags)
    request = requests.build(flags)
    used = replace(request, settings=within_file_limit(request.settings, raise_file_limit()))
    load_codecs()
    collect_seldom()
    progress = progress_request(flags)
    try:
        with ExitStack() as stack:
            reopen = [log_file.reopen] if log_file else []
            stack.enter_context(hangup([*reopen, *progress.reopen]))
            stack.enter_context(exclusive(flags["exclusive"]))
            spool = None
            if not (request.resume or request.retry):
                spool = stack.enter_context(spooled(request.input, request.output, say, quiet=progress.quiet))
            if flags["dry_run"]:
                return int(trio.run(code_of("scanner.cli.dry_run:dry_run"), used, spool))
            if choice is not None:
                asked = code_of("scanner.cli.scale:ScaleRequest")(request, used, choice, progress, spool)
                return int(code_of("scanner.cli.scale:run")(asked))
            return trio.run(_scan, request, used, progress, spool)
    except (StoreError, UnboundError, BaseExceptionGroup) as error:
        raise _reported(first_error(error)) from None


async def _scan(request: Request, used: Request, progress: ProgressRequest, spool: Spool | None) -> int:
    """Open first the resolver and then the output, so that no run directory is made without a usable resolver."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(load_rest)
        async with fit_resolver(used.settings, used.choice, say) as resolved:
            return int(await code_of("scanner.cli.scan:scan")(request, used, resolved, spool, progress))


async def load_rest() -> None:
    """Import the objects of ``REST``; before each import, wait ``ANSWER`` seconds to let DNS answers be processed."""
    for part in REST:
        await trio.sleep(ANSWER)
        code_of(part)


def _reported(error: BaseException) -> BaseException:
    """Return the exception to raise for an error of the scan: CliError, BrokenPipeError, or ``error`` itself."""
    if isinstance(error, UnboundError):
        return CliError(str(error), Exit.UNFIT)
    if not isinstance(error, StoreError):
        return error
    if isinstance(error.__cause__, BrokenPipeError):
        return error.__cause__
    return CliError(str(error), Exit.UNFIT)


def _open_log(path: str | None) -> "LogFile | None":
    """Open the log file if the options request a log file.

    The log is never written to stderr, where the progress and messages are printed.
    """
    if not path:
        log.addHandler(logging.NullHandler())
        return None
    file: LogFile = code_of("scanner.cli.log_file:LogFile")(path)
    logging.basicConfig(handlers=[file], level=logging.INFO)
    return file


def raise_file_limit() -> int | None:
    """Raise the soft limit of open files to the hard limit and return it, because each connection is an open file."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return None if hard == resource.RLIM_INFINITY else hard


def within_file_limit(settings: Settings, limit: int | None) -> Settings:
    """Return the settings with as many connections and DNS queries in flight as the limit of open files permits.

    Raises:
        CliError: the limit is too low for a scan.
    """
    wanted = InFlight(settings.caps.total, settings.dns.in_flight)
    found = permitted(limit, wanted)
    advice = f"ulimit -Hn {wanted.connections + FILES_BESIDE} raises the limit"
    if found is None:
        raise CliError(f"at most {limit} open files, but a scan needs at least {LEAST} ({advice})", Exit.UNFIT)
    if found.connections < wanted.connections:
        say(f"at most {limit} open files: {found.connections} connections at a time, not {wanted[0]} ({advice})")
    dns, caps = replace(settings.dns, in_flight=found.queries), replace(settings.caps, total=found.connections)
    return replace(settings, dns=dns, caps=caps)


def collect_seldom() -> None:
    """Set the garbage collector to run less often and to ignore imported objects, to save processor time."""
    gc.freeze()
    gc.set_threshold(*COLLECT)
