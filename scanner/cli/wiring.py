"""The setup of a scan for the command line and ``scanner.api``: resolver, network ports, trusted roots, EHLO name.

This module does not read command-line options or write to a terminal: messages are passed to a function that the caller
gives.
"""

import codecs
import importlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

import trio

from scanner.cli import code_of
from scanner.cli.errors import CliError, Exit
from scanner.cli.resolver import Resolved, resolving
from scanner.cli.resolver_choice import ResolverChoice
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
from scanner.vocabulary import Validation
from targets.scope import Scope

TEXT_CODECS = ("ascii", "idna", "latin-1", "utf-8", "utf-16-be", "utf-32-be")
"""Names of the text codecs for certificates, DNS messages and socket addresses.

Python loads a codec at its first use.
"""

LOADED_AFTER = 1.0
"""Seconds after which a scan loads dnspython; a scan of one domain often ends earlier and rarely needs dnspython."""

Say = Callable[[str], None]
"""A function that receives a message for the user."""


@asynccontextmanager
async def fit_resolver(settings: Settings, choice: ResolverChoice, say: Say) -> AsyncIterator[Resolved]:
    """Choose or start the resolver of a scan; a started resolver runs until the end of the ``with`` block.

    Raises:
        CliError: no resolver validates DNSSEC, the level requires DNSSEC, and ``choice.unvalidated`` is false.
    """
    async with resolving(settings.dns, choice) as resolved:
        if not resolved.validated:
            if settings.level.dane_based and not choice.unvalidated:
                advice = "mxsweep doctor shows details; --unvalidated continues without DANE verdicts"
                raise CliError(f"no resolver validates DNSSEC: {resolved.why_not} ({advice})", Exit.UNFIT)
            say(f"DNSSEC is not validated, so no DANE verdict is given: {resolved.why_not}")
        elif resolved.validation is Validation.PASSES_ON:
            say(
                f"{resolved.label} does not validate DNSSEC itself: it passes on the AD bit of another resolver"
                " (mxsweep doctor shows details; --resolver unbound validates on this machine)"
            )
        yield resolved


def load_codecs() -> None:
    """Load the text codecs of a scan, because a first use without a free descriptor fails with ``LookupError``."""
    for name in TEXT_CODECS:
        codecs.lookup(name)


async def load_late() -> None:
    """Load dnspython after ``LOADED_AFTER`` seconds, because a first use without a free descriptor fails."""
    loaded = False
    while not loaded:
        await trio.sleep(LOADED_AFTER)
        with suppress(OSError, ImportError):  # no file descriptor is free at this moment
            importlib.import_module("scanner.core.wire_any")
            loaded = True


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
        scope: the rule which destinations and addresses may be contacted.
        resolved: the resolver returned by ``fit_resolver``.
        stats: counters of the scan.
        say: function that gets messages about outages of the network or of DNS.
        patience: maximum duration in seconds of a pause after the loss of the network or of DNS if no peer has been
            reached yet; after the pause the scan continues.
    """

    def note(what: str, text: str) -> None:
        stats.outage(what, text)
        if text:
            say(text)

    attempt = partial(_probe, settings, Extra(stages=stats.stages))
    connections = Connections(settings, stats, attempt, partial(note, "network"), patience=patience)
    async with open_resolver(resolved.dns) as resolver:
        lookup, outage = resolved.lookup(resolver), connections.outage
        lookups = Lookups(lookup, outage, partial(note, "dns"), stats, patience=patience)
        fetch = partial(code_of("scanner.net.https:fetch"), bind=settings.bind) if settings.sts else None
        yield Ports(settings, lookups, connections, trust, scope, stats, Routes(), fetch)


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
        try:
            return truststore.load(ca_file, ca_path)
        except truststore.TrustStoreError as error:
            raise CliError(str(error)) from None
    found = truststore.system()
    if found is None:
        say("no system trust store found: no certificate will be trusted by PKIX (--ca-file FILE)")
    return found or TrustStore.from_pem()


def ehlo_name(name: str | None) -> str:
    """Return the name for EHLO: the given name, or else the full or short name of this host (RFC 5321 section 4.1.3).

    Raises:
        CliError: the name is empty, is not ASCII or contains white space.
    """
    if name is None:
        own = socket.getfqdn()
        return own if "." in own and not own.endswith((".localdomain", ".arpa")) else socket.gethostname()
    if not name.isascii() or not name or any(c.isspace() for c in name):
        raise CliError(f"--ehlo {name!r}: a host name was expected")
    return name
