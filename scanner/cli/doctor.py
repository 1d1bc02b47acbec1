"""``mxsweep doctor``: check the prerequisites of a scan, and print the results as a table.

The checks test the resolver that ``scan`` would use with the same options, connect to mail hosts on port 25, and
inspect this machine. The exit code is 3 if a check fails; a warning does not prevent a scan.
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
from scanner.cli.errors import CliError, Exit
from scanner.cli.request import bind_address
from scanner.cli.resolver import resolving
from scanner.cli.resolver_choice import ResolverChoice, choice_of
from scanner.cli.tools import trust_store
from scanner.cli.wiring import ehlo_name
from scanner.core import doctor as judgement
from scanner.core.preflight import Check, State, clock, passed
from scanner.facts import Answer, Endpoint, Probe
from scanner.net.error_groups import first_error
from scanner.net.preflight import signature_window
from scanner.net.probe import probe
from scanner.net.resolver import open_resolver
from scanner.net.routes import has_route
from scanner.net.unbound import UnboundError
from scanner.run.ports import DNSLookup, now
from scanner.settings import OPPORTUNISTIC, DNSSettings, Timeouts
from scanner.vocabulary import Family, Mode
from targets.hostnames import HostNameError, to_ascii
from targets.special import special_purpose

TIMEOUTS = Timeouts(connect=10.0, greeting=30.0, command=10.0, handshake=10.0, probe=40.0)
"""Time limits of the probes in seconds; they are shorter than in a scan because a user waits for the result."""

PORT = 25
WORLD = {"A": "192.88.99.1", "AAAA": "2001:4860:4860::8888"}
"""Public addresses to which an IP route exists if the machine has a default route.

No packet is sent to these public addresses.
"""

WIDE = 60
"""Minimum width of the terminal in characters at which the names of the checks have a column of their own."""

_COLOURS = {State.OK: "green", State.WARN: "yellow", State.FAIL: "bold red"}


@dataclass(frozen=True, slots=True)
class DoctorRequest:
    """The validated options of ``doctor``."""

    choice: ResolverChoice
    dns: DNSSettings
    hosts: tuple[str, ...]
    ehlo: str
    bind: str | None
    family: Family


def run(flags: dict[str, Any]) -> int:
    """Run ``mxsweep doctor`` and return the exit code; ``flags`` contains the options by name.

    Raises:
        CliError: an option has a wrong value, or the private unbound process ended unexpectedly.
    """
    request = _request(flags)
    trust = trust_store(flags["ca_file"], flags["ca_path"], lambda _: None)  # the table reports an empty store
    source = flags["ca_file"] or flags["ca_path"] or "system"
    try:
        network = trio.run(_network_checks, request)
    except (UnboundError, BaseExceptionGroup) as error:
        first = first_error(error)
        raise CliError(str(first), Exit.UNFIT) if isinstance(first, UnboundError) else first from None
    here = (judgement.files(_file_limit(), flags["concurrency"]), judgement.trust_store(len(trust), source))
    checks = (*network, *here)
    _print_json(checks) if flags["as_json"] else _print_table(checks)
    return Exit.DONE if passed(checks) else Exit.UNFIT


def _request(flags: dict[str, Any]) -> DoctorRequest:
    try:
        hosts = tuple(to_ascii(host) for host in flags["port25_host"])
    except HostNameError as error:
        raise CliError(f"--port25-host: {error}") from None
    choice = choice_of(flags)
    return DoctorRequest(
        choice,
        DNSSettings(servers=choice.servers, trust=flags["trust_resolver"]),
        hosts or judgement.PORT25_HOSTS,
        ehlo_name(flags["ehlo"]),
        bind_address(flags["bind"]),
        Family(flags["family"]),
    )


def _file_limit() -> int | None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if hard == resource.RLIM_INFINITY else hard


# --- checks that use the network ------------------------------------------------------------------------------


async def _network_checks(request: DoctorRequest) -> tuple[Check, ...]:
    """Run the checks that use the network, even if no resolver validates DNSSEC."""
    async with resolving(request.dns, request.choice) as resolved, open_resolver(resolved.dns) as resolver:
        lookup = resolved.lookup(resolver)
        hosts = await _mail_hosts(request, lookup)
        probes = tuple(probe for host in hosts for probe in host.probes)
        return (
            *resolved.checks,
            clock(await signature_window(resolved.dns.servers[0], resolved.dns), now(), resolved.label),
            *judgement.any_port25(tuple(judgement.port25(v.host, v.probes, v.why_none) for v in hosts)),
            *await _names(request, probes, lookup),
            *_ipv6(request, probes),
        )


@dataclass(frozen=True, slots=True)
class MailHostCheck:
    """The probes of a mail host on port 25, one probe for each address family.

    If no probe was made, ``why_none`` is the reason.
    """

    host: str
    probes: tuple[Probe, ...]
    why_none: str


async def _mail_hosts(request: DoctorRequest, lookup: DNSLookup) -> list[MailHostCheck]:
    found: dict[str, MailHostCheck] = {}

    async def check(host: str) -> None:
        found[host] = await _mail_host(host, request, lookup)

    async with trio.open_nursery() as nursery:
        for host in request.hosts:
            nursery.start_soon(check, host)
    return [found[host] for host in request.hosts]


async def _mail_host(host: str, request: DoctorRequest, lookup: DNSLookup) -> MailHostCheck:
    answers = [await lookup(host, rtype) for rtype in _address_types(request)]
    addresses = [answer.records[0] for answer in answers if answer.records]
    routed = [address for address in addresses if has_route(address)]
    probes = [await _probe(address, request) for address in routed]
    return MailHostCheck(host, tuple(probes), _why_none(answers, addresses))


def _why_none(answers: Iterable[Answer], addresses: list[str]) -> str:
    if addresses:
        return f"no route to {', '.join(addresses)}"
    return "; ".join(f"{answer.rtype}: {answer.error or answer.outcome}" for answer in answers)


def _address_types(request: DoctorRequest) -> tuple[str, ...]:
    ours = ipaddress.ip_address(request.bind).version if request.bind else None
    v4 = request.family is not Family.IPV6 and ours != 6  # noqa: PLR2004 - IP version
    v6 = request.family is not Family.IPV4 and ours != 4  # noqa: PLR2004 - IP version
    return ("A",) * v4 + ("AAAA",) * v6


async def _probe(address: str, request: DoctorRequest) -> Probe:
    endpoint = Endpoint(address, PORT, None, Mode.SMTP, OPPORTUNISTIC.name)
    result = await probe(endpoint, profile=OPPORTUNISTIC, ehlo=request.ehlo, timeouts=TIMEOUTS, bind=request.bind)
    return result.probe


async def _names(request: DoctorRequest, probes: tuple[Probe, ...], lookup: DNSLookup) -> list[Check]:
    """Check in forward and reverse DNS that each local address that contacts mail hosts belongs to the EHLO name."""
    peers = [probe.endpoint.address for probe in probes] or [WORLD[rtype] for rtype in _address_types(request)]
    sources = dict.fromkeys(filter(None, (_source(peer, request.bind) for peer in peers)))
    forward = [record for rtype in ("A", "AAAA") for record in (await lookup(request.ehlo, rtype)).records]
    checks = []
    for source in sources:
        back = await lookup(ipaddress.ip_address(source).reverse_pointer, "PTR")
        public = special_purpose(source) is None
        checks.append(judgement.ehlo(request.ehlo, source, tuple(forward), back.records, public=public))
    return checks


def _source(address: str, bind: str | None) -> str | None:
    """Return the local address from which this machine would connect to ``address``; None without a route.

    The function connects a UDP socket, which sends no packet.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as trial:
            if bind is not None:
                trial.bind((bind, 0))
            trial.connect((address, PORT))
            return str(trial.getsockname()[0])
    except OSError:
        return None


def _ipv6(request: DoctorRequest, probes: tuple[Probe, ...]) -> tuple[Check, ...]:
    if "AAAA" not in _address_types(request):
        return ()
    mine = tuple(probe for probe in probes if ":" in probe.endpoint.address)
    return (judgement.ipv6(mine, has_route=bool(mine) or has_route(WORLD["AAAA"])),)


# --- the table ------------------------------------------------------------------------------------------------


def _print_table(checks: Iterable[Check]) -> None:
    out = consoles.stdout()
    narrow = out.width < WIDE
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(2 if narrow else 3):
        table.add_column(overflow="fold")
    for check in checks:
        found = Text(safe(f"{check.subject}: {check.text}" if check.subject else check.text))
        if check.advice:
            found.append(f"\n{safe(check.advice)}", style="italic")
        state, name = Text(check.state, style=_COLOURS[check.state]), Text(check.check)
        cells = [Text("\n").join((name, found))] if narrow else [name, found]
        table.add_row(state, *cells)
    out.print(table)


def _print_json(checks: Iterable[Check]) -> None:
    rows = [asdict(check) for check in checks]
    sys.stdout.write(json.dumps({"ok": passed(checks), "checks": rows}, indent=2) + "\n")
