"""The resources of an examination for the command line and ``scanner.api``: network functions and trusted roots.

This module does not read command-line options or write to a terminal: messages go to a function of the caller.
"""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from functools import partial

from scanner.cli import code_of
from scanner.cli.errors import as_cli_error
from scanner.cli.resolver import Resolved
from scanner.cli.wiring import Say
from scanner.core.pkix import TrustStore
from scanner.facts import Endpoint
from scanner.net import truststore
from scanner.net.outage import PATIENCE
from scanner.net.probe import Extra, ProbeResult, probe
from scanner.net.resolver import open_resolver
from scanner.net.routes import Routes
from scanner.run.connections import Connections
from scanner.run.lookups import Lookups
from scanner.run.ports import Ports
from scanner.run.stats import Stats
from scanner.settings import PROFILES, Settings
from targets.scope import Scope


@asynccontextmanager
async def wired(
    settings: Settings,
    trust: TrustStore,
    scope: Scope,
    resolved: Resolved,
    stats: Stats,
    say: Say,
    *,
    patience: float = PATIENCE,
) -> AsyncIterator[Ports]:
    """Open the resources of an examination: resolver, connection limits, trust store and scope.

    Args:
        settings: settings of the scan.
        trust: trusted roots for PKIX.
        scope: the destinations and addresses that may be contacted.
        resolved: the resolver returned by ``fit_resolver``.
        stats: counters of the scan.
        say: function that gets messages about outages of the network or of DNS.
        patience: maximum seconds of a pause in an outage if no peer has ever been reached; then the scan continues.
    """

    def note(what: str, text: str) -> None:
        stats.outage(what, text)
        if text:
            say(text)

    attempt = partial(_probe, settings, Extra(stages=stats.stages))
    connections = Connections(settings, stats, attempt, partial(note, "network"), patience=patience)
    async with open_resolver(resolved.dns) as resolver:
        lookup = resolved.lookup(resolver)
        together, outage = resolved.together(resolver), connections.outage
        lookups = Lookups(lookup, together, outage, partial(note, "dns"), stats, patience=patience)
        fetch = partial(code_of("scanner.net.https:fetch"), bind=settings.bind) if settings.sts else None
        yield Ports(settings, lookups, connections, trust, scope, stats, Routes(), fetch, together=lookups.together)


def _probe(settings: Settings, extra: Extra, endpoint: Endpoint) -> Awaitable[ProbeResult]:
    return probe(
        endpoint,
        profile=PROFILES[endpoint.profile],
        ehlo=settings.ehlo,
        timeouts=settings.timeouts,
        bind=settings.bind,
        extra=extra,
    )


def trust_store(ca_file: str | None, ca_path: str | None, say: Say) -> TrustStore:
    """Load the trusted roots: from a PEM bundle and a directory, or the system's trust store by default.

    Raises:
        CliError: the files cannot be read, or contain no certificates.
    """
    if ca_file or ca_path:
        with as_cli_error(truststore.TrustStoreError):
            return truststore.load(ca_file, ca_path)
    found = truststore.system()
    if found is None:
        say("no system trust store found: no certificate will be trusted by PKIX (--ca-file FILE)")
    return found or TrustStore.from_pem()
