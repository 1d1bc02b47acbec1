"""The steps of a run of ``mxsweep finger``: look up the destination, choose TLS levels, connect, probe, reconnect.

A run uses the first address that accepts a connection, whatever the result of its probe; with ``--all``, the run tries
every address. The module ``logged_probe`` runs the dialogue, ``lines`` formats the printed lines, and ``core.policy``
judges the session.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.core import policy, route
from scanner.facts import Failure, TLSALookup
from scanner.finger import reconnect
from scanner.finger.addresses import AddressLookup, HostAddress, find
from scanner.finger.dnssec_probe import DNSQueries
from scanner.finger.options import ascii_form, limit, utf8_enabled
from scanner.finger.preparation import Setup
from scanner.finger.reconnect import SessionCache
from scanner.finger.tlsa_lookup import TLSASearch
from scanner.vocabulary import Dane, FailureKind, Level, Security

if TYPE_CHECKING:
    from scanner.finger.logged_probe import LoggedProbe


@dataclass(frozen=True, slots=True)
class TriedAddress:
    """An address that the run of ``mxsweep finger`` tried to connect to.

    If no connection was made, ``probe`` is None and ``failure`` is the reason. After a failed TLSA lookup, ``probe``
    and ``failure`` are None.
    """

    address: HostAddress
    lookup: TLSALookup | None
    rule: policy.Policy | None = None
    failure: Failure | None = None
    probe: "LoggedProbe | None" = None


class FingerRun:
    """A run of ``mxsweep finger`` for one destination; ``found`` (addresses) and ``tried`` (probes) are its results."""

    def __init__(self, setup: Setup) -> None:
        self.options = setup.options
        self._setup = setup
        self._out = setup.output
        self._questions = DNSQueries(setup.ports, setup.options.parameters, setup.output)
        self._sessions = SessionCache() if setup.options.reconnect >= 0 else None
        self._search = TLSASearch(
            self._questions.lookup, setup.digests, setup.mask, setup.output.line, force=setup.options.force_tlsa
        )
        self.answers = self._questions.answers
        """All DNS answers of the run, by name and type."""
        self.found = AddressLookup()
        self.tried: list[TriedAddress] = []

    async def run(self) -> int:
        """Execute the run of ``mxsweep finger`` and return the exit status: 1 after an internal error, else 0."""
        ports = self._setup.ports
        found = self.found = await find(self.options, self._questions.lookup, rng=ports.rng, native=ports.native)
        self._out.lines(*found.lines)
        if not found.addresses:
            self._out.line(f"Destination address lookup failed: {found.error}")
        for host_address in found.addresses:
            probe = await self._try(host_address)
            if probe is not None and not self.options.every_address:
                await self._come_again(host_address, probe)
                break
        return int(any(one.probe is not None and one.probe.internal for one in self.tried))

    # --- one address ------------------------------------------------------------------------------------------

    async def _try(self, host_address: HostAddress) -> "LoggedProbe | None":
        """Probe an address; return the probe, or None if no connection was made."""
        peer = self.peer(host_address)
        lookup = await self._lookup_tlsa(host_address, peer, self.options.level)
        if lookup is not None and lookup.dane is Dane.LOOKUP_FAILED:
            self._not_established(host_address, f"TLSA lookup error for {host_address.host}:{host_address.port}")
            self.tried.append(TriedAddress(host_address, lookup))
            return None
        rule = self._effective(self.options.level, host_address, peer, lookup)
        failure = await self._connect(host_address)
        if failure is not None:
            self.tried.append(TriedAddress(host_address, lookup, rule, failure))
            return None
        probe = self._visit(host_address, rule, lookup)
        self.tried.append(TriedAddress(host_address, lookup, rule, probe=probe))
        await probe.converse()
        return probe

    def peer(self, host_address: HostAddress) -> policy.Peer:
        """Return the names of a peer: nexthop, host name, MX names and match arguments.

        The TLS policy chooses the reference identifiers for the certificate from the names of the peer.
        """
        way = self.found.route
        return policy.Peer(
            nexthop=self._ascii(self.options.destination.nexthop),
            hostname=host_address.host,
            mx=route.mx_security(way) if way else None,
            mx_names=way.names if way else (),
            tokens=tuple(self._ascii(token) for token in self.options.matches if token),
        )

    async def _lookup_tlsa(self, host_address: HostAddress, peer: policy.Peer, level: Level) -> TLSALookup | None:
        """Return the TLSA lookup of an address, or None if the policy does not use TLSA records.

        The policy uses no TLSA records at a level without DANE, for insecure MX records with ``-M may``, and for a UNIX
        socket.
        """
        distrusted = peer.mx not in (None, Security.SECURE) and self.options.insecure_mx is Level.MAY
        if not level.dane_based or distrusted or host_address.port == 0:
            return None
        return await self._search.find(host_address)

    def _effective(
        self, level: Level, host_address: HostAddress, peer: policy.Peer, lookup: TLSALookup | None
    ) -> policy.Policy:
        """Return the TLS policy for an address, and print Postfix's line about the policy if there is one."""
        rule = policy.effective(
            level, peer, lookup, insecure_mx=self.options.insecure_mx, sni=self._server_name(host_address)
        )
        shown = rule.level is not Level.SECURE or level is Level.DANE_ONLY or self.options.verbose
        if rule.note and shown:
            self._out.line(rule.note)
        return rule

    def _server_name(self, host_address: HostAddress) -> str | None:
        """Return the server name (SNI) that the option ``-s`` requests.

        As a value of ``-s``, ``hostname`` stands for the name of the host, ``nexthop`` for the nexthop.
        """
        names = {"hostname": host_address.host, "nexthop": self.options.destination.nexthop}
        name = self.options.sni or ""
        return self._ascii(names.get(name, name)) or None

    def _ascii(self, name: str) -> str:
        """Return a name in A-labels; with ``smtputf8_enable = no``, return the name unchanged."""
        return ascii_form(name) if utf8_enabled(self.options) else name

    def _visit(
        self, host_address: HostAddress, rule: policy.Policy, lookup: TLSALookup | None, *, first: bool = True
    ) -> "LoggedProbe":
        from scanner.finger.logged_probe import LoggedProbe  # noqa: PLC0415 - TLS loads while the server prepares its greeting

        return LoggedProbe(self._setup, host_address, rule, lookup, self._sessions, first=first)

    async def _connect(self, host_address: HostAddress) -> Failure | None:
        """Connect to an address; print and return the failure, or return None after success."""
        failure = await self._setup.ports.connect(
            host_address.address, host_address.port, limit(self.options.connect_timeout)
        )
        if failure is not None:
            words = "Connection timed out" if failure.kind is FailureKind.TIMEOUT else failure.text
            self._not_established(host_address, f"connect to {host_address.nap}: {words}")
        return failure

    def _not_established(self, host_address: HostAddress, why: str) -> None:
        raw = self.options.destination.raw
        via = f" via {host_address.host}:{host_address.port}" if host_address.port else ""
        self._out.line(f"Failed to establish session to {raw.removeprefix('inet:')}{via}: {why}")

    # --- reconnecting -----------------------------------------------------------------------------------------

    async def _come_again(self, host_address: HostAddress, probe: "LoggedProbe") -> None:
        """Reconnect after the pause of ``-r`` until the server resumes a session or the limit of ``-m`` is reached."""
        left = self.options.max_reconnects
        while self._sessions is not None and self.options.reconnect > 0 and probe.succeeded:
            enough = reconnect.verdict(self._sessions, left)
            if enough is not None:
                self._out.line(enough)
                return
            left -= 1
            self._out.line(f"Reconnecting after {self.options.reconnect} seconds")
            await self._setup.ports.sleep(self.options.reconnect)
            again = await self._again(host_address, probe)
            if again is None:
                return
            probe = again

    async def _again(self, host_address: HostAddress, before: "LoggedProbe") -> "LoggedProbe | None":
        """Connect to the same address again, at the TLS security level of the previous connection."""
        level = self.options.level if before.rejected_records else before.rule.level
        peer = self.peer(host_address)
        lookup = await self._lookup_tlsa(host_address, peer, level)
        rule = self._effective(level, host_address, peer, lookup)
        if await self._connect(host_address) is not None:
            return None
        probe = self._visit(host_address, rule, lookup, first=False)
        await probe.converse()
        return probe
