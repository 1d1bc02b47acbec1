"""The setup of a scan for the command line and ``scanner.api``: validating resolver, codecs, EHLO name.

This module does not read command-line options or write to a terminal: messages are passed to a function that the caller
gives.
"""

import codecs
import importlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import trio

from scanner.cli.errors import CliError, Exit
from scanner.cli.resolver import Resolved, resolving
from scanner.cli.resolver_choice import ResolverChoice
from scanner.settings import Settings
from scanner.vocabulary import Validation

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
    """Load the text codecs of a scan, because a first use without a free file descriptor fails (``LookupError``)."""
    for name in TEXT_CODECS:
        codecs.lookup(name)


async def load_late() -> None:
    """Load dnspython after ``LOADED_AFTER`` seconds, because a first use without a free file descriptor fails."""
    loaded = False
    while not loaded:
        await trio.sleep(LOADED_AFTER)
        with suppress(OSError, ImportError):  # no file descriptor is free at this moment
            importlib.import_module("scanner.core.wire_any")
            loaded = True


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
