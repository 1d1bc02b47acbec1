"""The choice of a resolver by the DNS options of a command, with a check whether the options contradict each other."""

import ipaddress
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from scanner.cli.errors import CliError
from scanner.core.preflight import PreflightNames
from scanner.net.unbound_conf import UnquotablePathError, check_quotable
from targets.hostnames import HostNameError, to_ascii

Server = tuple[str, int]
"""The address and port of a DNS server."""

_MAX_PORT = 65535


class ResolverMode(StrEnum):
    """The type of resolver selected by ``--resolver``."""

    AUTO = "auto"
    SYSTEM = "system"
    UNBOUND = "unbound"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class ResolverChoice:
    """The checked DNS options of the user.

    ``servers`` is used in mode ``address`` only; ``trust_anchor``, ``root_hints`` (absolute paths) and ``forward``
    configure a private unbound. ``unvalidated`` permits a scan without a validating resolver. ``names`` are the domain
    names that the preflight checks query.
    """

    mode: ResolverMode = ResolverMode.AUTO
    servers: tuple[Server, ...] = ()
    trust_anchor: str | None = None
    root_hints: str | None = None
    forward: Server | None = None
    unvalidated: bool = False
    names: PreflightNames = field(default_factory=PreflightNames)


def choice_of(flags: dict[str, Any]) -> ResolverChoice:
    """Return the choice of a resolver by the options of a command.

    Raises:
        CliError: an option has a wrong value, or two options contradict each other.
    """
    mode, servers = mode_of(flags["resolver"])
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


def mode_of(given: tuple[str, ...]) -> tuple[ResolverMode, tuple[Server, ...]]:
    """Return the mode and the servers given by the values of ``--resolver``.

    Raises:
        CliError: a value is neither a mode nor an address, or a mode is not the only value.
    """
    words = {mode.value for mode in ResolverMode} - {ResolverMode.ADDRESS}
    named = [text for text in given if text in words]
    if not given:
        return ResolverMode.AUTO, ()
    if named and len(given) > 1:
        raise CliError(f"--resolver {named[0]} must be the only value: only addresses may be given several times")
    if named:
        return ResolverMode(named[0]), ()
    return ResolverMode.ADDRESS, tuple(server(text, "--resolver") for text in given)


def _readable(name: str | None, flag: str) -> str | None:
    if name is None:
        return None
    try:
        with Path(name).open("rb"):
            check_quotable(Path(name).absolute())
            return str(Path(name).absolute())
    except UnquotablePathError as error:
        raise CliError(f"{flag} {error}") from None
    except OSError as error:
        raise CliError(f"{flag} {name}: {error.strerror}") from None


def _names(flags: dict[str, Any]) -> PreflightNames:
    given = {each.name: _given(flags, each.name) for each in fields(PreflightNames)}
    return PreflightNames(**{purpose: names for purpose, names in given.items() if names})


def _given(flags: dict[str, Any], purpose: str) -> tuple[str, ...]:
    texts = flags[f"preflight_{purpose}"]
    try:
        return tuple(to_ascii(text.lower()) for text in texts)
    except HostNameError as error:
        raise CliError(f"--preflight-{purpose} {' '.join(texts)}: {error}") from None


def server(text: str, flag: str) -> Server:
    """Parse ``ADDR``, ``ADDR:PORT``, ``[V6]:PORT`` or a bare IPv6 address; the default port is 53.

    Raises:
        CliError: the text is not an IP address with an optional port; the message contains ``flag``.
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
    if not 0 < port <= _MAX_PORT:
        raise ValueError(text)
    return port
