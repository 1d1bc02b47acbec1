"""One connection of finger, told while it happens: the dialogue, the session that TLS made, what it earns.

Verification never ends a session; its result is told. The second and later connections of a run (``-r``) say less.
"""

from dataclasses import replace
from datetime import datetime

from OpenSSL import SSL

from scanner.core import dane, pkix, policy, tlsa
from scanner.core.x509 import facts as certs
from scanner.facts import CertFacts, Endpoint, Failure, Reply, TLSALookup, TLSARecord
from scanner.finger import fingerprints, lines
from scanner.finger.addresses import Candidate
from scanner.finger.dump import Dump
from scanner.finger.logging import Log
from scanner.finger.offer import OfferError, profile
from scanner.finger.options import FOREVER, Options, ascii_form, limit
from scanner.finger.reconnect import Sessions, Terms
from scanner.finger.setup import Setup
from scanner.finger.world import Talk
from scanner.model import DaneEvidence, PkixEvidence
from scanner.net.probe import ProbeResult
from scanner.net.probe_events import Listener, Secured, failed_reply
from scanner.settings import Timeouts, TLSProfile
from scanner.vocabulary import Dane, FailureKind, Level, Mode, Phase

SNI_LIMIT = 255
"""Octets of a server name, by OpenSSL and by DNS."""

SNI_SHOWN = 100
"""Characters of a server name beyond the limit that the complaint shows."""

_IMPOSSIBLE = TLSProfile("impossible", "no-such-cipher", security_level=1)
"""Stands for an offer that cannot be made: the session then ends where the handshake would begin."""


def mode_of(options: Options) -> Mode:
    """What is spoken, by ``-S`` and ``-w``."""
    if options.lmtp:
        return Mode.LMTPS if options.wrapper else Mode.LMTP
    return Mode.SMTPS if options.wrapper else Mode.SMTP


class Visit(Listener):
    """The dialogue with one address.

    Afterwards ``sighting`` is what was seen, ``judgement`` what the session earned (None without TLS) on the grounds
    of ``evidence`` about ``chain``, and ``succeeded`` tells whether the dialogue came to its end.
    """

    def __init__(
        self,
        setup: "Setup",
        candidate: Candidate,
        rule: policy.Policy,
        lookup: TLSALookup | None,
        sessions: Sessions | None,
        *,
        first: bool = True,
    ) -> None:
        self._setup = setup
        self._options = setup.options
        self._out = setup.output
        self._mask = setup.mask
        self._candidate = candidate
        self._lookup = lookup
        self._sessions = sessions
        self._first = first
        self._nap = candidate.nap
        self._na = self._nap.lower()
        self._dump = Dump()
        self._chatting = True
        self._refused: tuple[Failure, Reply | None] | None = None
        self._failure_told = False
        self._shown = False
        self._saved = False
        self._key = ""
        self._errors: tuple[str, ...] = ()
        self._profile, self._complaint = self._offer(rule)
        self.rule = rule
        self.secured_with: Secured | None = None
        self.sighting: ProbeResult | None = None
        self.chain: tuple[CertFacts, ...] = ()
        self.evidence: DaneEvidence | PkixEvidence | None = None
        self.judgement: policy.Judgement | None = None

    @property
    def succeeded(self) -> bool:
        """Did the dialogue come to its end? A refused EHLO under TLS and a lost QUIT do not count."""
        failure = self.sighting.probe.failure if self.sighting else None
        return self.sighting is not None and (failure is None or failure.phase in (Phase.EHLO_TLS, Phase.QUIT))

    @property
    def rejected_records(self) -> bool:
        """Were there TLSA records that only the TLS library turned down?"""
        lookup = self._lookup
        return lookup is not None and lookup.dane is Dane.UNUSABLE and policy.parsed(lookup)

    async def converse(self) -> None:
        """Hold the dialogue."""
        options, candidate = self._options, self._candidate
        if self._first and options.chat:
            self._out.line(f"Connected to {self._nap}")
        command, greeting = limit(options.command_timeout), limit(options.connect_timeout)
        talk = Talk(
            endpoint=Endpoint(candidate.address, candidate.port, self.rule.sni, mode_of(options), "finger"),
            profile=_IMPOSSIBLE if self._complaint else self._profile,
            ehlo=self._setup.ehlo,
            timeouts=Timeouts(greeting, greeting, command, command, command, FOREVER),
            want_tls=self._setup.tls and self.rule.level is not Level.NONE,
            ehlo_after_tls=self._first,
            identity=self._setup.identity,
            keep_session=self._sessions is not None,
        )
        self.sighting = await self._setup.world.converse(talk, self)
        if self._saved and self._sessions is not None and self.sighting.session is not None:
            self._sessions.keep(self._key, self.sighting.session)
        self._end(self.sighting)

    def _offer(self, rule: policy.Policy) -> tuple[TLSProfile, str]:
        """What to offer in the handshake, and what is wrong with it."""
        options = self._options
        if rule.sni is not None and len(rule.sni) > SNI_LIMIT:
            return _IMPOSSIBLE, f"ignoring too long SNI hostname: {rule.sni[:SNI_SHOWN]}"
        # The level after a fallback at handshake time is encrypt, but anonymous suites stay excluded.
        must_match = rule.level.must_match or rule.check_names
        try:
            made = profile(options.grade, options.protocols, options.parameters, must_match=must_match)
        except OfferError as error:
            return _IMPOSSIBLE, str(error)
        return replace(made, security_level=_security_level(rule)), ""

    # --- while it happens -------------------------------------------------------------------------------------

    def line(self, text: str) -> None:
        """Print a line of the dialogue; after the first connection only greeting and farewell."""
        if text.startswith(("> EHLO ", "> LHLO ")):
            self._chatting = self._first
        elif text == "> QUIT":
            self._chatting = True
            self._before_farewell()
        if self._options.chat and self._chatting:
            self._out.line(text)

    def failed(self, failure: Failure, reply: Reply | None) -> None:
        """Keep what is to be told before the farewell: an EHLO refused under TLS, after which the session goes on."""
        self._refused = (failure, reply)

    def broke(self, failure: Failure, errors: tuple[str, ...]) -> None:
        """Keep what the TLS library has to say of a handshake, tell at once what it says later: an alert, mostly."""
        if failure.phase is Phase.HANDSHAKE:
            self._errors = errors
            return
        for line in lines.library_problems(errors):
            self._out.line(line)

    def resume(self, ehlo: Reply | None) -> SSL.Session | None:
        """Say how the handshake begins, and bring the session of an earlier connection."""
        self._announce()
        if self._sessions is None:
            return None
        counted = self._lookup is not None and (self.rule.level.dane_based or self.rejected_records)
        records = self._lookup.records if self._lookup is not None and counted else ()
        terms = Terms(
            self._candidate.address,
            self._candidate.port,
            self._profile,
            self.rule.sni,
            records,
            self.rule.forced_failure,
        )
        self._key = terms.key(ehlo)
        found = self._sessions.find(self._key)
        self._about_cache(f"looking for session {self._key} in memory cache")
        if found is not None:
            self._about_cache(f"reloaded session {self._key} from memory cache")
        return found

    def _announce(self) -> None:
        if Log.VERBOSE in self._mask:
            self._out.line(f"setting up TLS connection to {self._nap}")
            self._out.line(f'{self._na}: TLS cipher list "{self._profile.ciphers}"')
        if Log.DEBUG in self._mask and self.rule.sni is not None:
            self._out.line(f"{self._nap}: SNI hostname: {self.rule.sni}")
        self._complain_about_records()

    def _about_cache(self, text: str) -> None:
        if Log.CACHE in self._mask:
            self._out.line(text)

    def ticket(self) -> None:
        """Count the first session that the server gives on this connection."""
        if self._sessions is not None and not self._saved:
            self._saved = True
            self._sessions.saves += 1
            self._about_cache(f"save session {self._key} to memory cache")

    def state(self, text: str) -> None:
        """Print where OpenSSL's handshake got."""
        if Log.DEBUG in self._mask:
            self._out.line(f"SSL_connect:{text}")

    def wire(self, *, sent: bool, data: bytes) -> None:
        """Dump TLS records: those of the handshake, or all."""
        wanted = Log.SESSION_DUMP if self.secured_with is not None else Log.SESSION_DUMP | Log.HANDSHAKE_DUMP
        if wanted & self._mask:
            for line in self._dump.lines(sent=sent, data=data):
                self._out.line(line)

    def secured(self, facts: Secured) -> None:
        """Judge the session and tell what it earned."""
        self.secured_with = facts
        self.chain = tuple(certs.facts(der) for der in facts.chain)
        self.evidence = self._compare(self._setup.world.now()) if self.chain else None
        self.judgement = policy.judge(self.rule, self.chain, self.evidence)
        if facts.handshake.resumed:
            self._about_cache(f"{self._na}: Reusing old session")
        elif Log.VERBOSE in self._mask and self.evidence is not None:
            for line in lines.path_lines(self._na, self.evidence, self.chain):
                self._out.line(line)
        shown = lines.Shown(self._nap, self._mask, self.rule, self._options.digest, resumed=facts.handshake.resumed)
        for line in lines.peer_lines(shown, self.judgement, self.evidence, self.chain):
            self._out.line(line)
        if Log.SUMMARY in self._mask:
            self._out.line(lines.summary(self._na, self.judgement.word, facts, self.chain))

    def _before_farewell(self) -> None:
        """Once: what was refused, and with TLS ``Server is anonymous`` or the chain."""
        if self._refused is not None:
            self._tell_failure(*self._refused)
        if self.secured_with is None or self._shown or not self._first:
            return
        self._shown = True
        if not self.chain:
            self._out.line("Server is anonymous")
        elif self._options.show_chain:
            self._out.block(lines.chain_dump(self.chain, self._options.digest))

    # --- evidence ---------------------------------------------------------------------------------------------

    def _compare(self, now: datetime) -> DaneEvidence | PkixEvidence:
        setup, level = self._setup, self.rule.level
        strict = _security_level(self.rule)
        if level is Level.FINGERPRINT:
            records = self._fingerprints()
            return fingerprints.match(records, self.chain[0], self._options.digest)
        if level.dane_based and self._lookup is not None:
            return dane.match(self._lookup.records, self.chain, now, security_level=strict, digests=setup.digests)
        if setup.anchors and self._options.level in (Level.VERIFY, Level.SECURE):
            return dane.match(setup.anchors, self.chain, now, security_level=strict)
        return pkix.verify(self.chain, setup.trust or pkix.EMPTY, now, security_level=strict)

    def _fingerprints(self) -> tuple[TLSARecord, ...]:
        options = self._options
        return fingerprints.parse(options.matches, options.digest, key_only=options.raw_keys)[0]

    def _complain_about_records(self) -> None:
        """OpenSSL's complaints about records, which come with the handshake, last record first."""
        if self.rule.level is Level.FINGERPRINT:
            self._complain_about_fingerprints()
        if self.rule.level in (Level.VERIFY, Level.SECURE):
            self._complain_about_names()
        lookup = self._lookup
        if lookup is None or not (self.rule.level.dane_based or self.rejected_records):
            return
        for record in reversed(lookup.records):
            if record.unusable is not None and not record.unusable.by_parser:
                self._out.line(f"warning: {self._na}: unusable TLSA RR: {tlsa.display(record)}")
        if lookup.dane is Dane.UNUSABLE:
            tail = "" if self.rule.forced_failure else ", fallback to unauthenticated TLS"
            self._out.line(f"warning: {self._na}: all TLSA records unusable{tail}")

    def _complain_about_names(self) -> None:
        for token in self._options.matches:
            if ascii_form(token) == ".":
                self._out.line(f'warning: {self._na}: ignoring invalid match name: "{token}"')
        if self.rule.forced_failure:
            self._out.line(f"warning: {self._na}: could not configure peer name checks")

    def _complain_about_fingerprints(self) -> None:
        records = self._fingerprints()
        for record in records:
            if record.unusable is not None:
                self._out.line(f"warning: {self._na}: unusable TLSA RR: {tlsa.display(record)}")
        if records and all(record.unusable for record in records):
            self._out.line(f"warning: {self._na}: all fingerprints unusable")

    # --- the end ----------------------------------------------------------------------------------------------

    def _end(self, sighting: ProbeResult) -> None:
        probe = sighting.probe
        if probe.failure is not None:
            if probe.failure.phase is Phase.HANDSHAKE:
                self._no_session(probe.failure)
                return
            self._tell_failure(probe.failure, failed_reply(probe))
            if probe.failure.phase is Phase.EHLO_TLS and probe.failure.kind not in lines.REFUSALS:
                self._gone_before_farewell()
        if "quit-unanswered" in probe.defects:
            self._out.line(lines.LOST_QUIT)

    def _tell_failure(self, failure: Failure, reply: Reply | None) -> None:
        if self._failure_told:
            return
        self._failure_told = True
        for line in lines.dialogue_failure(failure, reply, lmtp=self._options.lmtp):
            self._out.line(line)

    def _gone_before_farewell(self) -> None:
        """A server that is gone after EHLO under TLS is said QUIT to all the same."""
        self.line("> QUIT")
        self._out.line(lines.LOST_QUIT)

    def _no_session(self, failure: Failure) -> None:
        if self._complaint:
            self._out.line(f"warning: {self._nap}: {self._complaint}")
        elif failure.kind is FailureKind.INTERNAL and self._errors:
            self._out.line(f'warning: {self._nap}: error setting cipher grade: "{self._options.grade}"')
            for line in lines.library_problems(self._errors):
                self._out.line(line)
        else:
            for line in lines.handshake_failure(self._nap, failure, self._errors):
                self._out.line(line)
            if self._sessions is not None and self._key:
                self._about_cache(f"remove session {self._key} from client cache")


def _security_level(rule: policy.Policy) -> int:
    """OpenSSL's level for keys and signatures: 1 where the peer has to prove who it is, after every fallback."""
    return 1 if rule.level.must_match else 0
