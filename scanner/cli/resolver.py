"""The resolver of a command: its choice, the start of a private unbound, and the test of DNSSEC validation.

Mode ``auto``, the default, uses the resolver of this machine if it passes the preflight checks, else a private unbound;
every other mode uses the resolver that the user named. If no resolver passes the preflight checks,
``Resolved.validated`` is false: queries are then sent without DNSSEC, so that the security of every answer is
``indeterminate`` and no DANE verdict is possible. The command that uses the resolver decides whether to continue
without validation.
"""

import ipaddress
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import trio

from scanner.cli.resolver_choice import ResolverChoice, ResolverMode, Server
from scanner.core import forwarders
from scanner.core.preflight import Check, State, passed
from scanner.facts import Answer
from scanner.net.preflight import inspect
from scanner.net.resolver import Resolver, system_servers
from scanner.net.stub_resolver import stub_at
from scanner.net.unbound import Unbound, UnboundError, private_unbound, program
from scanner.net.unbound_conf import UnboundSettings
from scanner.settings import DNSSettings
from scanner.vocabulary import Validation

if TYPE_CHECKING:
    from scanner.run.ports import DNSLookup, DNSTogether

_INSTALL = "install unbound (Debian: apt-get install unbound), or name a validating resolver with --resolver"


@dataclass(frozen=True, slots=True)
class Resolved:
    """The chosen resolver and the results of its preflight checks.

    ``dns`` contains the servers of the resolver, ``checks`` all results of the preflight checks, and ``label`` the name
    of the resolver. ``child`` is the process of the private unbound, or None. ``validation`` states whether a resolver
    that passed the preflight checks validates DNSSEC itself.
    """

    dns: DNSSettings
    checks: tuple[Check, ...]
    validated: bool
    label: str
    child: Unbound | None = None
    validation: Validation = Validation.UNKNOWN

    @property
    def why_not(self) -> str:
        """The reasons for missing validation as one line: the first failed check of each resolver that was tried."""
        failed = {check.subject: check.text for check in reversed(self.checks) if check.state is State.FAIL}
        return "; ".join(f"{subject}: {failed[subject]}" for subject in reversed(failed))

    def lookup(self, resolver: Resolver) -> "DNSLookup":
        """Return the function that makes lookups with the chosen resolver."""
        if not self.validated:
            return partial(resolver.lookup, dnssec=False)
        return resolver.lookup if self.child is None else _guarded(self.child, resolver)

    def together(self, resolver: Resolver) -> "DNSTogether":
        """Return the function that sends several questions at the same time; ``lookup`` repeats a failed question."""
        return partial(resolver.lookup_together, dnssec=self.validated)

    def record(self, choice: ResolverChoice) -> dict[str, Any]:
        """Return the data about the choice and the preflight checks of the resolver for ``run.json``."""
        return {
            "choice": asdict(choice),
            "resolver": self.label,
            "validated": self.validated,
            "validates": str(self.validation),
            "checks": [asdict(check) for check in self.checks],
        }


def _guarded(child: Unbound, resolver: Resolver) -> "DNSLookup":
    async def lookup(name: str, rtype: str, **how: Any) -> Answer:
        return await child.guarded(partial(resolver.lookup, name, rtype, **how))

    return lookup


@asynccontextmanager
async def resolving(dns: DNSSettings, choice: ResolverChoice) -> AsyncIterator[Resolved]:
    """Choose a resolver, start it if it is a private unbound, and keep it running during the ``with`` block.

    Raises:
        UnboundError: the private unbound ended unexpectedly twice; the ``with`` block is cancelled.
    """
    async with AsyncExitStack() as stack:
        yield await _choose(stack, dns, choice)


async def _choose(stack: AsyncExitStack, dns: DNSSettings, choice: ResolverChoice) -> Resolved:
    match choice.mode:
        case ResolverMode.UNBOUND:
            return await _private(stack, dns, choice)
        case ResolverMode.AUTO:
            return await _automatic(stack, dns, choice)
        case ResolverMode.SYSTEM:
            return await _named(system_servers(), dns, choice)
        case ResolverMode.ADDRESS:
            return await _named(choice.servers, dns, choice)


async def _automatic(stack: AsyncExitStack, dns: DNSSettings, choice: ResolverChoice) -> Resolved:
    system = await _named(system_servers(), dns, choice)
    if system.validated:
        return system
    own = await _private(stack, dns, choice)
    if not own.validated:
        return replace(system, checks=(*system.checks, *own.checks))
    instead = Check("resolver", "system", State.OK, f"not used: {system.why_not}")
    return replace(own, checks=(instead, *own.checks))


async def _named(servers: tuple[Server, ...], dns: DNSSettings, choice: ResolverChoice) -> Resolved:
    """Return the servers that pass the preflight checks.

    If no server passes the checks, return all servers, without validation.
    """
    rows: dict[Server, tuple[Check, ...]] = {}

    async def look(server: Server) -> None:
        rows[server] = await inspect(server, dns, choice.names)

    async with trio.open_nursery() as nursery:
        for server in dict.fromkeys(servers):
            nursery.start_soon(look, server)
    good = tuple(server for server in dict.fromkeys(servers) if passed(rows[server]))
    validations: list[Validation] = []
    for server in good:
        if forwarders.is_loopback(server[0]):
            found, program_name = forwarders.validation_of(await stub_at(server))
            rows[server] += (forwarders.row(label_of(server), found, program_name),)
            validations.append(found)
        else:
            validations.append(Validation.UNKNOWN)
    return Resolved(
        dns=replace(dns, servers=good or servers),
        checks=tuple(check for server in dict.fromkeys(servers) for check in rows[server]),
        validated=bool(good),
        label=" ".join(label_of(server) for server in good or servers),
        validation=forwarders.joint(validations),
    )


async def _private(stack: AsyncExitStack, dns: DNSSettings, choice: ResolverChoice) -> Resolved:
    settings = UnboundSettings(choice.trust_anchor, choice.root_hints, choice.forward, dns.in_flight)
    if program() is None:
        return _without(dns, Check("resolver", "unbound", State.FAIL, "unbound is not installed", _INSTALL))
    async with AsyncExitStack() as until_it_fits:
        try:
            child = await until_it_fits.enter_async_context(private_unbound(settings))
        except UnboundError as error:
            return _without(dns, Check("resolver", "unbound", State.FAIL, str(error), ""))
        checks = tuple(replace(check, subject="unbound") for check in await inspect(child.address, dns, choice.names))
        if not passed(checks):
            return _without(dns, *checks)
        stack.push_async_exit(until_it_fits.pop_all())
    return Resolved(
        replace(dns, servers=(child.address,)),
        checks,
        validated=True,
        label="unbound",
        child=child,
        validation=Validation.ITSELF,
    )


def _without(dns: DNSSettings, *checks: Check) -> Resolved:
    """Return the servers of resolv.conf without validation, for use when a private unbound is not available."""
    return Resolved(replace(dns, servers=system_servers()), checks, validated=False, label="system")


def label_of(server: Server) -> str:
    """Return a server in the form that the option ``--resolver`` accepts."""
    address, port = server
    return f"[{address}]:{port}" if ipaddress.ip_address(address).version == 6 else f"{address}:{port}"  # noqa: PLR2004 - IP version
