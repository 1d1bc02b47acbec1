"""The rooms wired together for a scan and for a dry run: a resolver that fits, and the ports of an examination."""

import sys
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from functools import partial

from scanner.cli.errors import CliError, Exit
from scanner.cli.request import Request
from scanner.cli.resolver import Resolved, resolving
from scanner.facts import Endpoint
from scanner.net.probe import Extra, ProbeResult, probe
from scanner.net.resolver import open_resolver
from scanner.net.routes import Routes
from scanner.run.connections import Connections
from scanner.run.lookups import Lookups
from scanner.run.ports import Ports
from scanner.run.stats import Stats
from scanner.settings import PROFILES, Settings


@asynccontextmanager
async def fit_resolver(request: Request) -> AsyncIterator[Resolved]:
    """The resolver of a scan.

    Raises:
        CliError: nothing validates, the level needs it, and going on without was not asked for.
    """
    async with resolving(request.settings.dns, request.choice) as resolved:
        if not resolved.validated:
            if request.settings.level.dane_based and not request.choice.unvalidated:
                advice = "mxsweep doctor tells more; --unvalidated goes on without DANE verdicts"
                raise CliError(f"no resolver validates DNSSEC: {resolved.why_not} ({advice})", Exit.UNFIT)
            say(f"DNSSEC is not validated, so no DANE verdict is given: {resolved.why_not}")
        yield resolved


@asynccontextmanager
async def wired(request: Request, resolved: Resolved, stats: Stats) -> AsyncIterator[Ports]:
    """The rooms wired together: a resolver, what stands before every connection, the trust store and the scope."""
    settings = request.settings

    def tell(what: str, text: str) -> None:
        stats.outage(what, text)
        if text:
            say(text)

    connections = Connections(
        settings, stats, partial(_probe, settings, Extra(stages=stats.stages)), partial(tell, "network")
    )
    async with open_resolver(resolved.dns) as resolver:
        lookups = Lookups(resolved.lookup(resolver), connections.outage, partial(tell, "dns"), stats)
        yield Ports(settings, lookups, connections, request.trust, request.scope, stats, Routes())


def _probe(settings: Settings, extra: Extra, endpoint: Endpoint) -> Awaitable[ProbeResult]:
    return probe(
        endpoint,
        profile=PROFILES[endpoint.profile],
        ehlo=settings.ehlo,
        timeouts=settings.timeouts,
        bind=settings.bind,
        extra=extra,
    )


def say(text: str) -> None:
    """Write a line to stderr; a reader that has gone does not end the scan."""
    with suppress(OSError):
        sys.stderr.write(f"mxsweep: {text}\n")
