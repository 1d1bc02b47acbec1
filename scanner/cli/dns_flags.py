"""The flags about the resolver, which more than one command takes, and what they mean together."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import rich_click as click

from scanner.cli.errors import CliError
from scanner.core.preflight import PreflightNames
from targets.hostnames import HostNameError, to_ascii

Server = tuple[str, int]
"""Address and port."""

_Command = TypeVar("_Command", bound=Callable[..., Any])

_RESOLVER = (
    "auto: this machine's resolver if it validates, else a private unbound; system: resolv.conf;"
    " unbound: a private one; or ADDR[:PORT], which may be given several times.  [default: auto]"
)

_OPTIONS = (
    click.option("--resolver", multiple=True, metavar="R", help=_RESOLVER),
    click.option("--trust-resolver", is_flag=True, help="Believe the AD bit of a resolver that is not on loopback."),
    click.option("--trust-anchor", metavar="F", help="DS or DNSKEY of the root for the private unbound."),
    click.option("--root-hints", metavar="F", help="Root servers for the private unbound, in closed networks."),
    click.option("--forward", metavar="ADDR", help="Where the private unbound forwards to instead of recursing."),
    click.option("--unvalidated", is_flag=True, help="Go on without DNSSEC, and so without DANE verdicts."),
    click.option("--preflight-signed", multiple=True, metavar="NAME", help="A zone with good signatures."),
    click.option("--preflight-bogus", multiple=True, metavar="NAME", help="A zone with broken signatures."),
    click.option("--preflight-unsigned", multiple=True, metavar="NAME", help="A zone without signatures."),
    click.option("--preflight-denied", multiple=True, metavar="NAME", help="A name that a signed zone does not have."),
)


class ResolverMode(StrEnum):
    """What ``--resolver`` asks for."""

    AUTO = "auto"
    SYSTEM = "system"
    UNBOUND = "unbound"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class ResolverChoice:
    """The wishes of the command line. ``servers`` belong to mode ``address``, files and ``forward`` to unbound."""

    mode: ResolverMode = ResolverMode.AUTO
    servers: tuple[Server, ...] = ()
    trust_anchor: str | None = None
    root_hints: str | None = None
    forward: Server | None = None
    unvalidated: bool = False
    names: PreflightNames = field(default_factory=PreflightNames)


def resolver_options(command: _Command) -> _Command:
    """Give a command the flags of the resolver."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def choice_of(flags: dict[str, Any]) -> ResolverChoice:
    """What the flags ask for.

    Raises:
        CliError: they are not what they should be, or do not go together.
    """
    mode, servers = _mode(flags["resolver"])
    for flag in ("trust_anchor", "root_hints", "forward"):
        if flags[flag] and mode not in (ResolverMode.AUTO, ResolverMode.UNBOUND):
            raise CliError(f"--{flag.replace('_', '-')} is for a private unbound: --resolver unbound was expected")
    return ResolverChoice(
        mode,
        servers,
        _readable(flags["trust_anchor"], "--trust-anchor"),
        _readable(flags["root_hints"], "--root-hints"),
        server(flags["forward"], "--forward") if flags["forward"] else None,
        flags["unvalidated"],
        _names(flags),
    )


def _mode(given: tuple[str, ...]) -> tuple[ResolverMode, tuple[Server, ...]]:
    words = {mode.value for mode in ResolverMode} - {ResolverMode.ADDRESS}
    named = [text for text in given if text in words]
    if not given:
        return ResolverMode.AUTO, ()
    if named and len(given) > 1:
        raise CliError(f"--resolver {named[0]} stands alone: only addresses may be given several times")
    if named:
        return ResolverMode(named[0]), ()
    return ResolverMode.ADDRESS, tuple(server(text, "--resolver") for text in given)


def _readable(name: str | None, flag: str) -> str | None:
    if name is None:
        return None
    try:
        with Path(name).open("rb"):
            return str(Path(name).absolute())
    except OSError as error:
        raise CliError(f"{flag} {name}: {error.strerror}") from None


def _names(flags: dict[str, Any]) -> PreflightNames:
    default = PreflightNames()
    return PreflightNames(
        signed=_given(flags, "signed") or default.signed,
        bogus=_given(flags, "bogus") or default.bogus,
        unsigned=_given(flags, "unsigned") or default.unsigned,
        denied=_given(flags, "denied") or default.denied,
    )


def _given(flags: dict[str, Any], purpose: str) -> tuple[str, ...]:
    texts = flags[f"preflight_{purpose}"]
    try:
        return tuple(to_ascii(text.lower()) for text in texts)
    except HostNameError as error:
        raise CliError(f"--preflight-{purpose} {' '.join(texts)}: {error}") from None


def server(text: str, flag: str) -> Server:
    """``ADDR``, ``ADDR:PORT``, ``[V6]:PORT`` or a bare IPv6 address.

    Raises:
        CliError: it is none of them; the text names ``flag``.
    """
    host, port = text, "53"
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    try:
        return str(ipaddress.ip_address(host)), _port(port)
    except ValueError:
        also = "auto, system, unbound, " if flag == "--resolver" else ""
        raise CliError(f"{flag} {text}: {also}ADDR, ADDR:PORT or [V6]:PORT was expected") from None


def _port(text: str) -> int:
    port = int(text)
    if not 0 < port < 65536:  # noqa: PLR2004 - TCP ports
        raise ValueError(text)
    return port
