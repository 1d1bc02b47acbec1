"""``mxsweep doctor``: look at everything that a scan depends on, and show it in one table.

It asks the resolver that a scan with the same flags would use, says hello to a mail host or two, and looks at this
machine. The exit code is 3 where a row failed; a warning is something that a scan can live with.
"""

import ipaddress
import json
import resource
import socket
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import trio
from rich.table import Table
from rich.text import Text

from results.render.escape import safe
from scanner.cli import console as consoles
from scanner.cli import request as requests
from scanner.cli.errors import CliError, Exit
from scanner.cli.resolver import Resolved, resolving
from scanner.cli.resolver_choice import ResolverChoice, choice_of
from scanner.core import doctor as judgement
from scanner.core.preflight import Check, State, clock, passed
from scanner.facts import Answer, Endpoint, Probe
from scanner.net.preflight import signature_window
from scanner.net.probe import probe
from scanner.net.resolver import open_resolver
from scanner.net.routes import has_route
from scanner.net.single_flight import leaf
from scanner.net.unbound import UnboundError
from scanner.run.ports import Lookup, now
from scanner.settings import OPPORTUNISTIC, DNSSettings, Timeouts
from scanner.vocabulary import Family, Mode
from targets.hostnames import HostNameError, to_ascii
from targets.special import special_purpose

TIMEOUTS = Timeouts(connect=10.0, greeting=30.0, command=10.0, handshake=10.0, probe=40.0)
"""Large operators answer within a second, and somebody is waiting for the table."""

PORT = 25
WORLD = {"A": "192.88.99.1", "AAAA": "2001:4860:4860::8888"}
"""Addresses far away: a route to them is a route to the world. Nothing is sent there."""

_COLOURS = {State.OK: "green", State.WARN: "yellow", State.FAIL: "bold red"}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the flags say."""

    choice: ResolverChoice
    dns: DNSSettings
    hosts: tuple[str, ...]
    ehlo: str
    bind: str | None
    family: Family


def run(flags: dict[str, Any]) -> int:
    """Run ``mxsweep doctor`` with the flags as click gives them; the result is the exit code.

    Raises:
        CliError: a flag is not what it should be.
    """
    wishes = _wishes(flags)
    trust, _ = requests.trust_store(flags)
    source = flags["ca_file"] or flags["ca_path"] or "system"
    try:
        surroundings = trio.run(_look_around, wishes)
    except (UnboundError, BaseExceptionGroup) as error:
        first = leaf(error)
        raise CliError(str(first), Exit.UNFIT) if isinstance(first, UnboundError) else first from None
    here = (judgement.files(_file_limit(), flags["concurrency"]), judgement.trust_store(len(trust), source))
    checks = (*surroundings, *here)
    _print_json(checks) if flags["as_json"] else _print_table(checks)
    return Exit.DONE if passed(checks) else Exit.UNFIT


def _wishes(flags: dict[str, Any]) -> Wishes:
    try:
        hosts = tuple(to_ascii(host) for host in flags["port25_host"])
    except HostNameError as error:
        raise CliError(f"--port25-host: {error}") from None
    choice = choice_of(flags)
    return Wishes(
        choice,
        DNSSettings(servers=choice.servers, trust=flags["trust_resolver"]),
        hosts or judgement.PORT25_HOSTS,
        requests.ehlo_name(flags["ehlo"]),
        requests.bind_address(flags["bind"]),
        Family(flags["family"]),
    )


def _file_limit() -> int | None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if hard == resource.RLIM_INFINITY else hard


# --- what is found out there ----------------------------------------------------------------------------------


async def _look_around(wishes: Wishes) -> tuple[Check, ...]:
    """Everything that has to be waited for; addresses are looked up even where nothing validates."""
    async with resolving(wishes.dns, wishes.choice) as resolved, open_resolver(resolved.dns) as resolver:
        lookup = resolved.lookup(resolver)
        visits = await _visit_all(wishes, lookup)
        probes = tuple(probe for visit in visits for probe in visit.probes)
        return (
            *resolved.checks,
            await _clock(resolved),
            *judgement.any_port25(tuple(judgement.port25(v.host, v.probes, v.why_none) for v in visits)),
            *await _names(wishes, probes, lookup),
            *_ipv6(wishes, probes),
        )


async def _clock(resolved: Resolved) -> Check:
    return clock(await signature_window(resolved.dns.servers[0], resolved.dns), now(), resolved.label)


@dataclass(frozen=True, slots=True)
class _Visit:
    """A mail host and how it received us, an address of each family."""

    host: str
    probes: tuple[Probe, ...]
    why_none: str


async def _visit_all(wishes: Wishes, lookup: Lookup) -> list[_Visit]:
    visits: dict[str, _Visit] = {}

    async def visit(host: str) -> None:
        visits[host] = await _visit(host, wishes, lookup)

    async with trio.open_nursery() as nursery:
        for host in wishes.hosts:
            nursery.start_soon(visit, host)
    return [visits[host] for host in wishes.hosts]


async def _visit(host: str, wishes: Wishes, lookup: Lookup) -> _Visit:
    answers = [await lookup(host, rtype) for rtype in _address_types(wishes)]
    addresses = [answer.records[0] for answer in answers if answer.records]
    routed = [address for address in addresses if has_route(address)]
    probes = [await _probe(address, wishes) for address in routed]
    return _Visit(host, tuple(probes), _why_none(answers, addresses))


def _why_none(answers: Iterable[Answer], addresses: list[str]) -> str:
    if addresses:
        return f"no route to {', '.join(addresses)}"
    return "; ".join(f"{answer.rtype}: {answer.error or answer.outcome}" for answer in answers)


def _address_types(wishes: Wishes) -> tuple[str, ...]:
    ours = ipaddress.ip_address(wishes.bind).version if wishes.bind else None
    v4 = wishes.family is not Family.IPV6 and ours != 6  # noqa: PLR2004 - IP version
    v6 = wishes.family is not Family.IPV4 and ours != 4  # noqa: PLR2004 - IP version
    return ("A",) * v4 + ("AAAA",) * v6


async def _probe(address: str, wishes: Wishes) -> Probe:
    endpoint = Endpoint(address, PORT, None, Mode.SMTP, OPPORTUNISTIC.name)
    sighting = await probe(endpoint, profile=OPPORTUNISTIC, ehlo=wishes.ehlo, timeouts=TIMEOUTS, bind=wishes.bind)
    return sighting.probe


async def _names(wishes: Wishes, probes: tuple[Probe, ...], lookup: Lookup) -> list[Check]:
    """Judge the EHLO name for each of our addresses that mail hosts see."""
    peers = [probe.endpoint.address for probe in probes] or [WORLD[rtype] for rtype in _address_types(wishes)]
    sources = dict.fromkeys(filter(None, (_source(peer, wishes.bind) for peer in peers)))
    forward = [record for rtype in ("A", "AAAA") for record in (await lookup(wishes.ehlo, rtype)).records]
    checks = []
    for source in sources:
        back = await lookup(ipaddress.ip_address(source).reverse_pointer, "PTR")
        public = special_purpose(source) is None
        checks.append(judgement.ehlo(wishes.ehlo, source, tuple(forward), back.records, public=public))
    return checks


def _source(address: str, bind: str | None) -> str | None:
    """The address that we connect from; connecting a UDP socket looks it up and sends nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as trial:
            if bind is not None:
                trial.bind((bind, 0))
            trial.connect((address, PORT))
            return str(trial.getsockname()[0])
    except OSError:
        return None


def _ipv6(wishes: Wishes, probes: tuple[Probe, ...]) -> tuple[Check, ...]:
    if "AAAA" not in _address_types(wishes):
        return ()
    mine = tuple(probe for probe in probes if ":" in probe.endpoint.address)
    return (judgement.ipv6(mine, has_route=bool(mine) or has_route(WORLD["AAAA"])),)


# --- the table ------------------------------------------------------------------------------------------------


def _print_table(checks: Iterable[Check]) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for check in checks:
        found = Text(safe(f"{check.subject}: {check.text}" if check.subject else check.text))
        if check.advice:
            found.append(f"\n{safe(check.advice)}", style="italic")
        table.add_row(Text(check.state, style=_COLOURS[check.state]), Text(check.check), found)
    consoles.stdout().print(table)


def _print_json(checks: Iterable[Check]) -> None:
    rows = [asdict(check) for check in checks]
    sys.stdout.write(json.dumps({"ok": passed(checks), "checks": rows}, indent=2) + "\n")
