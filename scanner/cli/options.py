"""Options that several commands share, and the types of option values.

This module imports no module of a command.
"""

import math
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import rich_click as click
from click.shell_completion import CompletionItem
from click.types import StringParamType

from scanner.cli import config
from scanner.vocabulary import Family, Level

LEVELS = [level.value for level in (Level.MAY, Level.ENCRYPT, Level.DANE, Level.DANE_ONLY, Level.VERIFY, Level.SECURE)]

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

Option = Callable[..., Callable[[Any], Any]]
"""A function that takes more attributes of an option, such as its help panel, and returns a command decorator."""


def option(*names: str, **attributes: Any) -> Option:
    """Return a function that adds an option to a command; the help of the option shows the default.

    ``names`` and ``attributes`` are arguments of ``click.option``.
    """
    attributes.setdefault("show_default", "default" in attributes)
    return partial(click.option, *names, **attributes)


def choice(*names: str, of: Sequence[str], **attributes: Any) -> Option:
    """Return an option whose value is one of the given words; the default is the first word."""
    return option(*names, type=click.Choice(of), default=of[0], **attributes)


def repeatable(*names: str, **attributes: Any) -> Option:
    """Return an option that can be given several times, as its help states."""
    return option(*names, multiple=True, **{**attributes, "help": f"{attributes['help']} Repeatable."})


flag = partial(option, is_flag=True)
count = partial(option, type=click.IntRange(min=1), metavar="N")
count_or_zero = partial(option, type=click.IntRange(min=0), metavar="N")
timeout = partial(option, type=TIMEOUT, metavar="S")
pause = partial(option, type=PAUSE, metavar="S")


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

STRICT = flag("--strict", help="Fail at the first corrupt line of a run instead of skipping and counting such lines.")
HISTORY = repeatable(
    "--history", metavar="RUN", help="Earlier run, used to find the date when a fault or certificate was first seen."
)

# --- the network ----------------------------------------------------------------------------------------------

EHLO = option("--ehlo", metavar="NAME", help="Host name to send in EHLO.", show_default="the name of this host")
BIND = option("--bind", metavar="ADDR", help="Local IP address to connect from.")
PORT = option("--port", type=click.IntRange(1, 65535), default=25, metavar="N", help="TCP port to connect to.")
FAMILY = choice("--family", of=[family.value for family in Family], help="Address family of the connections.")
CONCURRENCY = count("--concurrency", default=512, help="Maximum total number of simultaneous connections.")

_roots = partial(option, show_default="the trust store of the system")
CA_FILE = _roots("--ca-file", metavar="FILE", help="PEM bundle of trusted root certificates.")
CA_PATH = _roots("--ca-path", metavar="DIR", help="Directory of trusted root certificates.")
CONFIG = option(
    "--config",
    metavar="FILE.toml",
    is_eager=True,
    callback=config.load,
    help="TOML file with option names as keys. Options of the command line override it.",
)

_RESOLVER = (
    "DNS resolver: auto (the resolver of this machine if it validates DNSSEC, else a private unbound), system"
    " (resolv.conf), unbound (a private unbound), or ADDR[:PORT]."
)
_PREFLIGHT = {
    "signed": "Name with valid signatures",
    "bogus": "Name with broken signatures",
    "unsigned": "Name without signatures",
    "denied": "Name that does not exist in a signed zone",
}

resolver_options = block(
    "DNS resolver",
    repeatable("--resolver", metavar="R", help=_RESOLVER, show_default="auto"),
    flag("--trust-resolver", help="Accept the AD bit of a resolver that is not on a loopback address."),
    option("--trust-anchor", metavar="FILE", help="DS or DNSKEY records of the root for the private unbound."),
    option("--root-hints", metavar="FILE", help="Root name servers for the private unbound."),
    option("--forward", metavar="ADDR", help="Resolver to which the private unbound forwards all queries."),
    flag("--unvalidated", help="Continue without a validating resolver, without DANE verdicts."),
    *(
        repeatable(f"--preflight-{kind}", metavar="NAME", help=f"{name}, for the check that the resolver validates.")
        for kind, name in _PREFLIGHT.items()
    ),
)
