"""One run of finger, top to bottom: look up, choose the level for each address, connect, converse, come again.

The first address that accepts a connection is used for good, whatever comes after (``--all`` goes on to the others).
What happens on one connection is ``visit``'s business, what is printed ``lines``', what the evidence earns
``core.policy``'s; the outside world is a ``World``.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.core import policy, route
from scanner.facts import Answer, Failure, TLSALookup
from scanner.finger import fingerprints, reconnect
from scanner.finger.addresses import Candidate, Found, find
from scanner.finger.dnssec import Questions
from scanner.finger.logging import Log
from scanner.finger.options import ascii_form, limit
from scanner.finger.reconnect import Sessions
from scanner.finger.setup import Setup
from scanner.finger.tlsa_search import TLSASearch
from scanner.vocabulary import Dane, FailureKind, Level, Security

if TYPE_CHECKING:
    from scanner.finger.visit import Visit


@dataclass(frozen=True, slots=True)
class Attempt:
    """An address that was tried: ``visit`` is None where no connection came about, ``failure`` then says why.

    A failed TLSA lookup leaves both None.
    """

    candidate: Candidate
    lookup: TLSALookup | None
    rule: policy.Policy | None = None
    failure: Failure | None = None
    visit: "Visit | None" = None


class Session:
    """A run against one destination; ``found`` and ``attempts`` tell afterwards what it came to."""

    def __init__(self, setup: Setup) -> None:
        self.options = setup.options
        self._setup = setup
        self._options = setup.options
        self._out = setup.output
        self._questions = Questions(setup.world, setup.options.parameters, setup.output)
        self._sessions = Sessions() if setup.options.reconnect >= 0 else None
        self._search = TLSASearch(
            self._questions.lookup, setup.digests, setup.mask, setup.output.line, force=setup.options.force_tlsa
        )
        self.found = Found()
        self.attempts: list[Attempt] = []

    @property
    def answers(self) -> dict[tuple[str, str], Answer]:
        """Every answer of the DNS, by name and type."""
        return self._questions.answers

    async def run(self) -> int:
        """Do it; the result is the exit status."""
        self._preamble()
        world = self._setup.world
        found = self.found = await find(self._options, self._questions.lookup, rng=world.rng, native=world.native)
        for line in found.lines:
            self._out.line(line)
        if not found.candidates:
            self._out.line(f"Destination address lookup failed: {found.error}")
        for candidate in found.candidates:
            visit = await self._try(candidate)
            if visit is not None and not self._options.every_address:
                await self._come_again(candidate, visit)
                break
        return 0

    def _preamble(self) -> None:
        """What is said about TLS before anything is looked up."""
        options, mask = self._options, self._setup.mask
        if not self._setup.tls or options.level is Level.NONE:
            return
        if Log.VERBOSE in mask:
            self._out.line("initializing the client-side TLS engine")
        if Log.TRACE in mask:
            self._out.line("warning: the TLS library's own trace (-L trace) cannot be had: see ssl-session-packet-dump")
        if options.level is Level.FINGERPRINT:
            for line in fingerprints.parse(options.matches, options.digest)[1]:
                self._out.line(line)

    # --- one address ------------------------------------------------------------------------------------------

    async def _try(self, candidate: Candidate) -> "Visit | None":
        """Try an address; None when no connection came about."""
        peer = self.peer(candidate)
        lookup = await self._lookup_tlsa(candidate, peer, self._options.level)
        if lookup is not None and lookup.dane is Dane.LOOKUP_FAILED:
            self._not_established(candidate, f"TLSA lookup error for {candidate.host}:{candidate.port}")
            self.attempts.append(Attempt(candidate, lookup))
            return None
        rule = self._effective(self._options.level, candidate, peer, lookup)
        failure = await self._connect(candidate)
        if failure is not None:
            self._not_established(candidate, f"connect to {candidate.nap}: {_words(failure)}")
            self.attempts.append(Attempt(candidate, lookup, rule, failure))
            return None
        visit = self._visit(candidate, rule, lookup)
        self.attempts.append(Attempt(candidate, lookup, rule, visit=visit))
        await visit.converse()
        return visit

    def peer(self, candidate: Candidate) -> policy.Peer:
        """Whom a session with this address is meant for."""
        way = self.found.route
        return policy.Peer(
            nexthop=ascii_form(self._options.destination.nexthop),
            hostname=candidate.host,
            mx=route.mx_security(way) if way else None,
            mx_names=way.names if way else (),
            tokens=tuple(ascii_form(token) for token in self._options.matches),
        )

    async def _lookup_tlsa(self, candidate: Candidate, peer: policy.Peer, level: Level) -> TLSALookup | None:
        """The TLSA records for an address; None where the level wants none, and for a UNIX socket."""
        distrusted = peer.mx not in (None, Security.SECURE) and self._options.insecure_mx is Level.MAY
        if not level.dane_based or distrusted or candidate.port == 0:
            return None
        return await self._search.find(candidate)

    def _effective(
        self, level: Level, candidate: Candidate, peer: policy.Peer, lookup: TLSALookup | None
    ) -> policy.Policy:
        """The level for this address, and what there is to say about it."""
        rule = policy.effective(
            level, peer, lookup, insecure_mx=self._options.insecure_mx, sni=self._server_name(candidate)
        )
        told = rule.level is not Level.SECURE or level is Level.DANE_ONLY or self._options.verbose
        if rule.note and told:
            self._out.line(rule.note)
        return rule

    def _server_name(self, candidate: Candidate) -> str | None:
        """The name of ``-s``, which may stand for the host or the destination."""
        names = {"hostname": candidate.host, "nexthop": self._options.destination.nexthop}
        name = self._options.sni or ""
        return ascii_form(names.get(name, name)) or None

    def _visit(
        self, candidate: Candidate, rule: policy.Policy, lookup: TLSALookup | None, *, first: bool = True
    ) -> "Visit":
        from scanner.finger.visit import Visit  # noqa: PLC0415 - TLS loads while the server prepares its greeting

        return Visit(self._setup, candidate, rule, lookup, self._sessions, first=first)

    async def _connect(self, candidate: Candidate) -> Failure | None:
        return await self._setup.world.connect(candidate.address, candidate.port, limit(self._options.connect_timeout))

    def _not_established(self, candidate: Candidate, why: str) -> None:
        raw = self._options.destination.raw
        via = f" via {candidate.host}:{candidate.port}" if candidate.port else ""
        self._out.line(f"Failed to establish session to {raw.removeprefix('inet:')}{via}: {why}")

    # --- more than once ---------------------------------------------------------------------------------------

    async def _come_again(self, candidate: Candidate, visit: "Visit") -> None:
        """Reconnect as ``-r`` and ``-m`` ask for, until there is nothing more to be learned."""
        left = self._options.max_reconnects
        while self._sessions is not None and self._options.reconnect > 0 and visit.succeeded:
            enough = reconnect.verdict(self._sessions, left)
            if enough is not None:
                self._out.line(enough)
                return
            left -= 1
            self._out.line(f"Reconnecting after {self._options.reconnect} seconds")
            await self._setup.world.sleep(self._options.reconnect)
            again = await self._again(candidate, visit)
            if again is None:
                return
            visit = again

    async def _again(self, candidate: Candidate, before: "Visit") -> "Visit | None":
        """One more connection to the same address, at the level that the first one came to."""
        level = self._options.level if before.rejected_records else before.rule.level
        peer = self.peer(candidate)
        lookup = await self._lookup_tlsa(candidate, peer, level)
        rule = self._effective(level, candidate, peer, lookup)
        failure = await self._connect(candidate)
        if failure is not None:
            self._not_established(candidate, f"connect to {candidate.nap}: {_words(failure)}")
            return None
        visit = self._visit(candidate, rule, lookup, first=False)
        await visit.converse()
        return visit


def _words(failure: Failure) -> str:
    return "Connection timed out" if failure.kind is FailureKind.TIMEOUT else failure.text
