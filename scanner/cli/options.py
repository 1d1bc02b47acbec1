"""Options that several commands share, and the types of option values.

This module imports no module of a command.
"""

import math
import re
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import rich_click as click
from click.shell_completion import CompletionItem
from click.types import StringParamType

from scanner.cli import config
from scanner.vocabulary import Family, Level

LEVELS = [level.value for level in (Level.MAY, Level.ENCRYPT, Level.DANE, Level.DANE_ONLY, Level.VERIFY, Level.SECURE)]
FAMILIES = [family.value for family in Family]

DAYS = 21
"""Default of ``--days``: if renewal is due 30 days before expiry, a certificate with 21 days left is 9 days late."""

Command = TypeVar("Command", bound=Callable[..., Any])


class Seconds(click.FloatRange):
    """Type of an option value: a finite number of seconds."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number of seconds; raise a usage error for infinity and for text that is not a number."""
        seconds = super().convert(value, param, ctx)
        if not math.isfinite(seconds):
            self.fail(f"{value!r} is not a finite number of seconds.", param, ctx)
        return seconds


class FileName(StringParamType):
    """A file name, as text; shell completion offers the names of files, or of directories for the kind ``dir``."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return a request to the shell for file names that begin with the text ``incomplete``."""
        _ = ctx, param
        return [CompletionItem(incomplete, type=self._kind)]


_FILES = re.compile(r"\b(?:(FILE|LIST)|DIR|RUN)\b")


def complete_files(command: click.Command) -> None:
    """Set the type ``FileName`` for those parameters of a command whose metavar is a file, list, directory or run."""
    for param in command.params:
        found = _FILES.search(param.metavar or "")
        if found and param.type is click.STRING:
            param.type = FileName("file" if found[1] else "dir")


class Percent(click.FloatRange):
    """Type of an option value: a percentage, with or without a percent sign."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the percentage as a number."""
        text: Any = value.rstrip().removesuffix("%") if isinstance(value, str) else value
        return super().convert(text, param, ctx)


TIMEOUT = Seconds(min=0, min_open=True)
PAUSE = Seconds(min=0)
COUNT = click.IntRange(min=1)
PORT = click.IntRange(1, 65535)


Option = Callable[..., Callable[[Any], Any]]
"""A function that takes more attributes of an option, such as its help panel, and returns a command decorator."""


def option(*names: str, **attributes: Any) -> Option:
    """Return a function that adds an option to a command.

    ``names`` and ``attributes`` are arguments of ``click.option``.
    """
    return partial(click.option, *names, **attributes)


def block(panel: str, *options: Option) -> Callable[[Command], Command]:
    """Return a decorator that adds several options to a command, in the given order and in one panel of its help."""

    def decorate(command: Command) -> Command:
        for each in reversed(options):
            command = each(panel=panel)(command)
        return command

    return decorate


def examples(first: str, second: str) -> str:
    """Return the end of a command's help text: two examples, each on a separate line."""
    return f"Examples:\n\n{first}\n\n{second}"


# --- runs -----------------------------------------------------------------------------------------------------

RUN = click.argument("path", metavar="RUN")

STRICT = option(
    "--strict",
    is_flag=True,
    help="Fail at the first corrupt line of a run instead of skipping and counting such lines.",
)

HISTORY = option(
    "--history",
    multiple=True,
    metavar="RUN",
    help="Earlier run, used to find the date when a fault or certificate was first seen. Repeatable.",
)

# --- the network ----------------------------------------------------------------------------------------------

EHLO = option("--ehlo", metavar="NAME", help="Host name to send in EHLO.", show_default="the name of this host")
BIND = option("--bind", metavar="ADDR", help="Local IP address to connect from.")
FAMILY = option(
    "--family",
    type=click.Choice(FAMILIES),
    default=FAMILIES[0],
    show_default=True,
    help="Address family of the connections.",
)
CONCURRENCY = option(
    "--concurrency",
    type=COUNT,
    metavar="N",
    default=512,
    show_default=True,
    help="Maximum total number of simultaneous connections.",
)
CA_FILE = option(
    "--ca-file",
    metavar="FILE",
    help="PEM bundle of trusted root certificates.",
    show_default="the trust store of the system",
)
CA_PATH = option(
    "--ca-path",
    metavar="DIR",
    help="Directory of trusted root certificates.",
    show_default="the trust store of the system",
)
CONFIG = option(
    "--config",
    metavar="FILE.toml",
    is_eager=True,
    callback=config.load,
    help="TOML file with option names as keys. Options of the command line override it.",
)

_RESOLVER = (
    "DNS resolver: auto (the resolver of this machine if it validates DNSSEC, else a private unbound), system"
    " (resolv.conf), unbound (a private unbound), or ADDR[:PORT]. Repeatable."
)

resolver_options = block(
    "DNS resolver",
    option("--resolver", multiple=True, metavar="R", help=_RESOLVER, show_default="auto"),
    option(
        "--trust-resolver",
        is_flag=True,
        help="Accept the AD bit of a resolver that is not on a loopback address.",
    ),
    option("--trust-anchor", metavar="FILE", help="DS or DNSKEY records of the root for the private unbound."),
    option("--root-hints", metavar="FILE", help="Root name servers for the private unbound."),
    option("--forward", metavar="ADDR", help="Resolver to which the private unbound forwards all queries."),
    option("--unvalidated", is_flag=True, help="Continue without a validating resolver, without DANE verdicts."),
    option(
        "--preflight-signed",
        multiple=True,
        metavar="NAME",
        help="Name with valid signatures, for the check that the resolver validates. Repeatable.",
    ),
    option(
        "--preflight-bogus",
        multiple=True,
        metavar="NAME",
        help="Name with broken signatures, for the check that the resolver validates. Repeatable.",
    ),
    option(
        "--preflight-unsigned",
        multiple=True,
        metavar="NAME",
        help="Name without signatures, for the check that the resolver validates. Repeatable.",
    ),
    option(
        "--preflight-denied",
        multiple=True,
        metavar="NAME",
        help="Name that does not exist in a signed zone, for the check that the resolver validates. Repeatable.",
    ),
)
