"""The examination of one MX host: addresses, TLSA, every address probed once; and what that proves.

TLSA and handshake are read seconds apart, and both once more before a mismatch is written: a rollover that happens
in between must not look like a broken host (RFC 7671 section 8.1).
"""

import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Self

from scanner.core import judgement, policy, retry
from scanner.core.matching import matched_peername
from scanner.core.names import is_address
from scanner.core.verdict import accepted_tcp, sessions
from scanner.core.x509 import facts as certs
from scanner.facts import Answer, CertFacts, Endpoint, Probe, TLSALookup
from scanner.model import EndpointReport, HostReport, Skipped
from scanner.net.probe import ProbeResult
from scanner.net.single_flight import SingleFlight, gather
from scanner.reasons import Reason
from scanner.run.ports import Ports, now
from scanner.settings import AUTHENTICATED, FALLBACK, OPPORTUNISTIC
from scanner.vocabulary import FailureKind, Family, Mode, Phase

_IPV6 = {Family.ANY: (False, True), Family.IPV4: (False,), Family.IPV6: (True,)}
"""Is an address to be an IPv6 address?"""

_ANOTHER_TRY_MAY_TELL = (FailureKind.TLS, FailureKind.CLOSED, FailureKind.RESET, FailureKind.TIMEOUT)


@dataclass(frozen=True, slots=True)
class HostKey:
    """What is examined once: an MX host, the port and the mode."""

    host: str
    port: int
    mode: Mode

    def __str__(self) -> str:
        return f"{self.host}:{self.port}/{self.mode}"


Drawn = tuple[HostReport, dict[str, CertFacts]]
"""A host's report, and the certificates that it refers to by SHA-256."""


class HostResult:
    """What was seen of a host, and what follows from it.

    The report is drawn up when it is first asked for: who does that for many hosts in a row needs two thirds of the
    time that it takes here and there between other work.

    Args:
        seen: the endpoints as far as they were needed to find them: without what their chains prove by PKIX.
        draw: draws the report up.
    """

    __slots__ = ("_draw", "_drawn", "seen")

    def __init__(self, seen: tuple[EndpointReport, ...], draw: Callable[[], Drawn]) -> None:
        self.seen = seen
        self._draw = draw
        self._drawn: Drawn | None = None

    @classmethod
    def known(cls, report: HostReport, certs: dict[str, CertFacts]) -> Self:
        """A finding whose report is there already."""
        finding = cls(report.endpoints, lambda: (report, certs))
        finding._whole()  # so that it is drawn
        return finding

    @property
    def drawn(self) -> bool:
        """Is the report there? A bug of ours may have kept it from being drawn up."""
        return self._drawn is not None

    @property
    def report(self) -> HostReport:
        """All that was seen, with its evidence."""
        return self._whole()[0]

    @property
    def certs(self) -> dict[str, CertFacts]:
        """The certificates that the report refers to, by SHA-256."""
        return self._whole()[1]

    def _whole(self) -> Drawn:
        if self._drawn is None:
            self._drawn = self._draw()
            del self._draw  # and all that it holds
        return self._drawn


@dataclass(frozen=True, slots=True)
class _Contact:
    """An address that was probed. Its report lacks PKIX evidence; ``shown`` has the chain that evidence is about.

    ``accused`` has the chain that was not to be believed without a second look.
    """

    report: EndpointReport
    shown: ProbeResult | None
    accused: ProbeResult | None = None


@dataclass(frozen=True, slots=True)
class _Addresses:
    a: Answer | None
    aaaa: Answer | None
    literals: tuple[str, ...]

    @property
    def answers(self) -> tuple[Answer, ...]:
        return tuple(answer for answer in (self.a, self.aaaa) if answer is not None)

    @property
    def found(self) -> tuple[str, ...]:
        listed = [record for answer in self.answers for record in answer.records]
        every = {*self.literals, *listed}
        return tuple(sorted(every, key=_address_order) if len(every) > 1 else every)


def _address_order(address: str) -> tuple[int, bytes]:
    ip = ipaddress.ip_address(address)
    return ip.version, ip.packed


class HostExaminer:
    """Examines hosts with shared tools; each endpoint is probed once, however many hosts lead to it."""

    def __init__(self, tools: Ports) -> None:
        self._tools = tools
        self._settings = tools.settings
        self._sightings: SingleFlight[Endpoint, ProbeResult] = SingleFlight()
        level = tools.settings.level
        self._profile = AUTHENTICATED if level.must_match else OPPORTUNISTIC

    async def examine(self, key: HostKey) -> HostResult:
        """Everything there is to see about one MX host."""
        observed_at = now()
        addresses = await self._addresses(key.host)
        lookup = await self._tlsa(key, addresses)
        chosen, skipped = self._choose(key.host, addresses.found)
        contacts = await self._probe_all(key, chosen, lookup)
        if any(_accuses(contact, lookup) for contact in contacts):
            lookup, contacts = await self._confirm(key, addresses, lookup, contacts)

        def draw() -> Drawn:
            report = HostReport(
                key=str(key),
                host=key.host,
                port=key.port,
                mode=key.mode,
                a=addresses.a,
                aaaa=addresses.aaaa,
                tlsa=lookup,
                endpoints=tuple(map(self._proved, contacts)),
                skipped=skipped,
                observed_at=observed_at,
            )
            return report, _certificates(contacts)

        return HostResult(tuple([contact.report for contact in contacts]), draw)

    def next_pass(self) -> None:
        """Connect again to endpoints of which another connection might tell more."""
        self._sightings.forget(lambda sighting: retry.of_probe(sighting.probe))

    async def would_contact(self, key: HostKey) -> tuple[list[str], tuple[Skipped, ...]]:
        """The addresses that ``examine`` would connect to, and those it would skip."""
        return self._choose(key.host, (await self._addresses(key.host)).found)

    # --- DNS --------------------------------------------------------------------------------------------------

    async def _addresses(self, host: str) -> _Addresses:
        if is_address(host):
            return _Addresses(None, None, (host,))
        # Both families, whichever is to be contacted: a host that has only the other one is not a host without address.
        # One after the other: a nursery and a task to ask at once would take as much processor time as both questions.
        a = await self._tools.lookup(host, "A")
        return _Addresses(a, await self._tools.lookup(host, "AAAA"), ())

    async def _tlsa(self, key: HostKey, addresses: _Addresses) -> TLSALookup:
        """The TLSA records of the host as they are now, found as RFC 7672 section 2.2.2 says."""
        steps: list[Answer] = []
        while True:
            step = judgement.tlsa_step(key.host, key.port, addresses.answers, steps)
            if isinstance(step, TLSALookup):
                return step
            steps.append(await self._tools.lookup(*step, fresh=True))

    # --- which addresses --------------------------------------------------------------------------------------

    def _choose(self, host: str, addresses: tuple[str, ...]) -> tuple[list[str], tuple[Skipped, ...]]:
        """The addresses to contact, and the others with the reason."""
        opted_out = self._tools.scope.host(host) is not None
        contacted: list[str] = []
        skipped: list[Skipped] = []
        for address in addresses:
            reason = Reason.OPTED_OUT if opted_out else self._objection(address, len(contacted))
            if reason is None:
                contacted.append(address)
            else:
                skipped.append(Skipped(address, reason))
        return contacted, tuple(skipped)

    def _objection(self, address: str, taken: int) -> Reason | None:
        refusal = self._tools.scope.address(address)
        if refusal is not None:
            return Reason(refusal.why)
        if (":" in address) not in _IPV6[self._settings.family]:
            return Reason.FAMILY_EXCLUDED
        if not self._tools.has_route(address):
            return Reason.NO_ROUTE
        limit = self._settings.addresses
        return Reason.ADDRESS_LIMIT if limit is not None and taken >= limit else None

    def _probe_all(self, key: HostKey, addresses: list[str], lookup: TLSALookup) -> Awaitable[list[_Contact]]:
        """Probe every address at once, or one after the other up to the first that accepts a connection."""
        if self._settings.first_answer:
            return self._probe_in_turn(key, addresses, lookup)
        return gather(addresses, lambda address: self._address(key, address, lookup))

    async def _probe_in_turn(self, key: HostKey, addresses: list[str], lookup: TLSALookup) -> list[_Contact]:
        contacts: list[_Contact] = []
        for address in addresses:
            contacts.append(await self._address(key, address, lookup))
            if accepted_tcp(contacts[-1].report):
                break
        return contacts

    # --- connections ------------------------------------------------------------------------------------------

    async def _address(self, key: HostKey, address: str, lookup: TLSALookup, *, fresh: bool = False) -> _Contact:
        """Probe one address; where an authenticated handshake fails, a second probe finds out why."""
        sni = policy.server_name(self._settings.level, lookup, choice=self._settings.sni, host=key.host)
        endpoint = Endpoint(address, key.port, sni, key.mode, self._profile.name)
        sightings = [await self._sight(endpoint, key.host, fresh=fresh)]
        if self._profile is AUTHENTICATED and _handshake_broke(sightings[0].probe):
            spare = replace(endpoint, profile=FALLBACK.name)
            sightings.append(await self._sight(spare, key.host, fresh=fresh))
        return _contact(address, sightings, lookup)

    async def _sight(self, endpoint: Endpoint, host: str, *, fresh: bool) -> ProbeResult:
        if fresh:
            return await self._tools.probe(endpoint, host)
        spared = True

        def begin() -> Awaitable[ProbeResult]:
            nonlocal spared
            spared = False
            return self._tools.probe(endpoint, host)

        sighting = await self._sightings.get(endpoint, begin)
        self._tools.stats.endpoints_shared += spared
        return sighting

    async def _confirm(
        self, key: HostKey, addresses: _Addresses, lookup: TLSALookup, contacts: list[_Contact]
    ) -> tuple[TLSALookup, list[_Contact]]:
        """Read TLSA and the accused handshakes once more, both fresh; the second word stands."""
        again = await self._tlsa(key, addresses)
        changed = again.records != lookup.records

        async def second(contact: _Contact) -> _Contact:
            if not changed and not _accuses(contact, lookup):
                return contact
            anew = await self._address(key, contact.report.address, again, fresh=True)
            probes = (*contact.report.probes, *anew.report.probes)
            return _Contact(replace(anew.report, probes=probes), anew.shown, accused=contact.shown)

        return again, await gather(contacts, second)

    # --- what it proves ---------------------------------------------------------------------------------------

    def _proved(self, contact: _Contact) -> EndpointReport:
        if contact.shown is None:
            return contact.report
        chain = _facts(contact.shown)
        return judgement.with_pkix(contact.report, chain, self._tools.trust, contact.shown.probe.started)


def _contact(address: str, sightings: list[ProbeResult], lookup: TLSALookup) -> _Contact:
    """What the probes of an address come to, with DANE evidence where there are records."""
    report = EndpointReport(address, tuple([sighting.probe for sighting in sightings]))
    probe = sessions(report).shown
    shown = next((sighting for sighting in sightings if sighting.probe is probe and sighting.chain), None)
    if shown is not None and lookup.dane is None:
        report = judgement.with_dane(report, _facts(shown), lookup, shown.probe.started)
    return _Contact(report, shown)


def _facts(shown: ProbeResult) -> tuple[CertFacts, ...]:
    return tuple(map(certs.facts, shown.chain))


def _certificates(contacts: list[_Contact]) -> dict[str, CertFacts]:
    """Those that the probes refer to, by SHA-256."""
    shown = [sighting for contact in contacts for sighting in (contact.accused, contact.shown) if sighting is not None]
    return {cert.sha256: cert for sighting in shown for cert in _facts(sighting)}


def _handshake_broke(probe: Probe) -> bool:
    failure = probe.failure
    return failure is not None and failure.phase is Phase.HANDSHAKE and failure.kind in _ANOTHER_TRY_MAY_TELL


def _accuses(contact: _Contact, lookup: TLSALookup) -> bool:
    """Would this address be called a mismatch, at least by a domain with no name of its own in the certificate?"""
    evidence = contact.report.dane
    if evidence is None or contact.shown is None:
        return False
    if not evidence.matched:
        return True
    return evidence.needs_name and matched_peername(_facts(contact.shown)[0], (lookup.base_domain,)) is None
