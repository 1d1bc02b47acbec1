"""One run of finger, top to bottom: look up, choose the level for each address, connect, converse, tell.

The first address that accepts a connection is used for good, whatever comes after (``--all`` goes on to the others).
Verification never ends a session; its result is told. What is printed is ``lines``' business, what the evidence earns
``core.policy``'s.
"""

import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import trio

from scanner.core import certs, dane, pkix, policy, route, tlsa
from scanner.core.answers import postfix_text
from scanner.core.names import tlsa_name
from scanner.core.pkix import TrustStore
from scanner.finger import fingerprints, lines
from scanner.finger.addresses import Candidate, Found, Lookup, find
from scanner.finger.logging import Log
from scanner.finger.offer import OfferError, profile
from scanner.finger.options import Options
from scanner.finger.output import Output
from scanner.model import (
    Answer,
    CertFacts,
    DaneEvidence,
    Endpoint,
    Handshake,
    PkixEvidence,
    TLSALookup,
    TLSARecord,
)
from scanner.net import tcp
from scanner.net.failures import failure_of, timed_out
from scanner.net.probe import Extra, Sighting, converse
from scanner.settings import Timeouts, TLSProfile
from scanner.vocabulary import Dane, FailureKind, Level, Mode, Phase, Reason, Security

FOREVER = 10.0**9
"""Seconds of a time limit that was switched off."""

_BROKEN = TLSProfile("invalid", "no-such-cipher", security_level=1)
"""Stands for an offer that cannot be made: the session then ends where the handshake would begin."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a run has besides its options: trust anchors, whether TLS can be used at all, the EHLO name, log kinds."""

    options: Options
    trust: TrustStore
    anchors: tuple[TLSARecord, ...]
    tls: bool
    ehlo: str
    mask: Log
    lookup: Lookup
    output: Output


class Session:
    """A run against one destination."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._options = setup.options
        self._out = setup.output
        self._tlsa: dict[str, Answer] = {}

    async def run(self) -> int:
        """Do it; the result is the exit status."""
        found = await find(
            self._options.destination,
            self._setup.lookup,
            family=self._options.family,
            protocols=self._options.parameters.get("inet_protocols", "all"),
            rng=random.Random(),  # noqa: S311 - spreads load, protects nothing
        )
        for line in found.lines:
            self._out.line(line)
        if not found.candidates:
            self._out.line(f"Destination address lookup failed: {found.error}")
        for candidate in found.candidates:
            status = await self._try(candidate, found)
            if status is not None and (status or not self._options.every_address):
                return status
        return 0

    # --- one address ------------------------------------------------------------------------------------------

    async def _try(self, candidate: Candidate, found: Found) -> int | None:
        """Try an address; None when no connection came about, else the exit status."""
        peer = self._peer(candidate, found)
        lookup = await self._lookup_tlsa(candidate, peer)
        if lookup is not None and lookup.dane is Dane.LOOKUP_FAILED:
            self._tlsa_trouble(candidate, lookup)
            return None
        rule = policy.effective(
            self._options.level, peer, lookup, insecure_mx=self._options.insecure_mx, sni=self._options.sni
        )
        self._notes(candidate, rule, lookup)
        stream = await self._connect(candidate)
        if stream is None:
            return None
        visit = Visit(self._setup, candidate, rule, lookup)
        return await visit.converse(stream)

    def _peer(self, candidate: Candidate, found: Found) -> policy.Peer:
        way = found.route
        return policy.Peer(
            nexthop=self._options.destination.nexthop,
            hostname=candidate.host,
            mx=route.mx_security(way) if way else None,
            mx_names=way.names if way else (),
            tokens=self._options.matches,
        )

    async def _lookup_tlsa(self, candidate: Candidate, peer: policy.Peer) -> TLSALookup | None:
        """The TLSA records for an address; None where the level wants none."""
        level = self._options.level
        distrusted = peer.mx not in (None, Security.SECURE) and self._options.insecure_mx is Level.MAY
        if not level.dane_based or distrusted or candidate.port == 0:
            return None
        steps: list[Answer] = []
        while True:
            step = tlsa.next_question(
                candidate.host,
                candidate.rname,
                candidate.security,
                candidate.port,
                tuple(steps),
                force=self._options.force_tlsa,
            )
            if isinstance(step, TLSALookup):
                return step
            steps.append(await self._ask(*step))

    async def _ask(self, name: str, rtype: str) -> Answer:
        """Ask once a run: the addresses of a host share its TLSA records."""
        key = f"{name} {rtype}"
        if key not in self._tlsa:
            self._tlsa[key] = await self._setup.lookup(name, rtype)
        return self._tlsa[key]

    def _tlsa_trouble(self, candidate: Candidate, lookup: TLSALookup) -> None:
        where = f"{candidate.host}:{candidate.port}"
        text = postfix_text(lookup.steps[-1]) if lookup.steps else ""
        self._out.line(f"warning: DANE TLSA lookup problem: {text}")
        self._not_established(candidate, f"TLSA lookup error for {where}")

    def _not_established(self, candidate: Candidate, why: str) -> None:
        raw = self._options.destination.raw
        via = f" via {candidate.host}:{candidate.port}" if candidate.port else ""
        self._out.line(f"Failed to establish session to {raw}{via}: {why}")

    def _notes(self, candidate: Candidate, rule: policy.Policy, lookup: TLSALookup | None) -> None:
        if lookup is not None:
            for line in record_warnings(candidate, lookup):
                self._out.line(line)
            if Log.DANE in self._setup.mask or Log.VERBOSE in self._setup.mask:
                name = tlsa_name(lookup.base_domain, candidate.port)
                for record in lookup.records:
                    self._out.line(f"DNSSEC-signed TLSA record: {name}: {tlsa.display(record)}")
        fell_back = rule.level is Level.SECURE
        told = not fell_back or self._options.level is Level.DANE_ONLY or self._options.verbose
        if rule.note and told:
            self._out.line(rule.note)

    async def _connect(self, candidate: Candidate) -> trio.SocketStream | None:
        failure = timed_out(Phase.CONNECT)
        with trio.move_on_after(limit(self._options.connect_timeout)):
            try:
                stream = await tcp.connect(candidate.address, candidate.port)
            except OSError as error:
                failure = failure_of(error, Phase.CONNECT)
            else:
                if self._options.chat:
                    self._out.line(f"Connected to {lines.nap(candidate.host, candidate.address, candidate.port)}")
                return stream
        text = "Connection timed out" if failure.kind is FailureKind.TIMEOUT else failure.text
        where = lines.nap(candidate.host, candidate.address, candidate.port)
        self._not_established(candidate, f"connect to {where}: {text}")
        return None


def limit(seconds: int) -> float:
    """A time limit of the command line: 0 or less is none."""
    return float(seconds) if seconds > 0 else FOREVER


def mode_of(options: Options) -> Mode:
    """What is spoken, by ``-S`` and ``-w``."""
    if options.lmtp:
        return Mode.LMTPS if options.wrapper else Mode.LMTP
    return Mode.SMTPS if options.wrapper else Mode.SMTP


def record_warnings(candidate: Candidate, lookup: TLSALookup) -> list[str]:
    """Postfix's warnings about records that its parser drops."""
    name = tlsa_name(lookup.base_domain, candidate.port)
    words = {
        "usage": "{} unsupported TLSA certificate usage: {}",
        "private-matching-type": "{} reserved private-use matching type: {}",
    }
    found = []
    for record in lookup.records:
        if record.unusable is not None and record.unusable.by_parser:
            if record.unusable == "truncated":
                octets = 3 + len(record.data) // 2
                found.append(f"warning: {name}: truncated TLSA RR length == {octets}")
            else:
                found.append("warning: " + words[record.unusable].format(name, tlsa.display(record)))
    return found


class Visit:
    """The dialogue with one address, told while it happens."""

    def __init__(self, setup: Setup, candidate: Candidate, rule: policy.Policy, lookup: TLSALookup | None) -> None:
        self._setup = setup
        self._options = setup.options
        self._out = setup.output
        self._candidate = candidate
        self._rule = rule
        self._lookup = lookup
        self._nap = lines.nap(candidate.host, candidate.address, candidate.port)
        self._chain: tuple[CertFacts, ...] = ()
        self._secured = False
        self._shown = False
        self._complaint = ""

    async def converse(self, stream: trio.SocketStream) -> int:
        """Hold the dialogue; the result is the exit status."""
        options = self._options
        endpoint = Endpoint(self._candidate.address, self._candidate.port, self._rule.sni, mode_of(options), "finger")
        command = limit(options.command_timeout)
        greeting = limit(options.connect_timeout)
        sighting = await converse(
            stream,
            endpoint,
            profile=self._profile(),
            ehlo=self._setup.ehlo,
            timeouts=Timeouts(greeting, greeting, command, command, command, FOREVER),
            polite=False,
            want_tls=self._setup.tls and self._rule.level is not Level.NONE,
            extra=Extra(trace=self._trace, secured=self._on_secured),
        )
        return self._ending(sighting)

    def _profile(self) -> TLSProfile:
        options = self._options
        # The level after a fallback at handshake time is encrypt, but anonymous suites stay excluded.
        must_match = self._rule.level.must_match or self._rule.check_names
        try:
            made = profile(options.grade, options.protocols, options.parameters, must_match=must_match)
        except OfferError as error:
            self._complaint = str(error)
            return _BROKEN
        relaxed = self._rule.level is Level.ENCRYPT
        return replace(made, security_level=0) if relaxed else made

    # --- while it happens -------------------------------------------------------------------------------------

    def _trace(self, line: str) -> None:
        if line == "> QUIT":
            self._show_peer()
        if self._options.chat:
            self._out.line(line)

    def _show_peer(self) -> None:
        """Once, after the session is up: ``Server is anonymous`` or the chain."""
        if not self._secured or self._shown:
            return
        self._shown = True
        if not self._chain:
            self._out.line("Server is anonymous")
        elif self._options.show_chain:
            self._out.block(lines.chain_dump(self._chain, self._options.digest))

    def _on_secured(self, handshake: Handshake, ders: tuple[bytes, ...]) -> None:
        self._secured = True
        self._chain = tuple(certs.facts(der) for der in ders)
        self._unusable()
        evidence = self._evidence() if self._chain else None
        judgement = policy.judge(self._rule, self._chain, evidence)
        na = self._nap.lower()
        matched = evidence if isinstance(evidence, DaneEvidence) else None
        leaf = self._chain[0] if self._chain else None
        for line in lines.session_lines(
            na, self._setup.mask, self._rule, judgement, matched, leaf, self._options.digest
        ):
            self._out.line(line)
        if Log.SUMMARY in self._setup.mask:
            self._out.line(lines.summary(na, judgement.word, handshake, leaf))

    def _evidence(self) -> DaneEvidence | PkixEvidence:
        now = datetime.now(UTC)
        level = self._rule.level
        if level is Level.FINGERPRINT:
            records, _ = fingerprints.parse(self._options.matches, self._options.digest)
            return fingerprints.match(records, self._chain[0], self._options.digest)
        if level.dane_based and self._lookup is not None:
            return dane.match(self._lookup.records, self._chain, now)
        if self._setup.anchors and self._options.level in (Level.VERIFY, Level.SECURE):
            return dane.match(self._setup.anchors, self._chain, now)
        return pkix.verify(self._chain, self._setup.trust, now)

    def _unusable(self) -> None:
        """OpenSSL's complaints about records, which come with the handshake, last record first."""
        na = self._nap.lower()
        if self._rule.level is Level.FINGERPRINT:
            self._unusable_fingerprints(na)
            return
        lookup = self._lookup
        if lookup is None or (lookup.dane is not None and lookup.reason is not Reason.TLSA_UNUSABLE_DATA):
            return
        for record in reversed(lookup.records):
            if record.unusable is not None and not record.unusable.by_parser:
                self._out.line(f"warning: {na}: unusable TLSA RR: {tlsa.display(record)}")
        if lookup.dane is Dane.UNUSABLE:
            tail = "" if self._rule.forced_failure else ", fallback to unauthenticated TLS"
            self._out.line(f"warning: {na}: all TLSA records unusable{tail}")

    def _unusable_fingerprints(self, na: str) -> None:
        records, warnings = fingerprints.parse(self._options.matches, self._options.digest)
        for line in warnings:
            self._out.line(line)
        for record in records:
            if record.unusable is not None:
                self._out.line(f"warning: {na}: unusable TLSA RR: {tlsa.display(record)}")
        if records and all(record.unusable for record in records):
            self._out.line(f"warning: {na}: all fingerprints unusable")

    # --- the end ----------------------------------------------------------------------------------------------

    def _ending(self, sighting: Sighting) -> int:
        failure = sighting.probe.failure
        if failure is not None and failure.kind is FailureKind.INTERNAL and not self._complaint:
            self._out.line(f"fatal: internal error: {failure.text}")
            return 1
        if failure is not None and failure.phase is Phase.HANDSHAKE:
            self._no_session(sighting)
            return 0
        text = lines.dialogue_failure(sighting.probe)
        if text is not None:
            self._out.line(text)
        self._show_peer()
        if "quit-unanswered" in sighting.probe.defects:
            self._out.line("warning: lost connection while sending QUIT command")
        return 1 if text is not None and text.startswith("fatal: ") else 0

    def _no_session(self, sighting: Sighting) -> None:
        failure = sighting.probe.failure
        if self._complaint:
            self._out.line(f"warning: {self._nap}: {self._complaint}")
        elif failure is not None:
            self._unusable()
            for line in lines.handshake_failure(self._nap, failure):
                self._out.line(line)
