"""One probe of finger that prints posttls-finger's log lines during the dialogue.

A failed verification does not end the session. On the second and later connections (``-r``), fewer lines are printed.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from OpenSSL import SSL

from scanner.core import dane, pkix, policy, tlsa
from scanner.core.dialogue import POSTFIX_RULES
from scanner.core.x509 import facts as certs
from scanner.facts import CertFacts, Endpoint, Failure, Reply, TLSALookup, TLSARecord
from scanner.finger import fingerprints, lines, raw_keys
from scanner.finger.addresses import HostAddress
from scanner.finger.finger_ports import ProbeRequest
from scanner.finger.hex_dump import Dump
from scanner.finger.log_keywords import LogMask
from scanner.finger.options import FOREVER, Options, ascii_warnings, limit, line_limit, utf8_enabled
from scanner.finger.preparation import Setup
from scanner.finger.reconnect import SessionCache, session_key
from scanner.finger.tls_offer import OfferError, bound_warnings, profile, security_level
from scanner.model import DaneEvidence, PkixEvidence
from scanner.net.probe import ProbeResult
from scanner.net.probe_events import Listener, Secured, failed_reply
from scanner.net.tls import context_for
from scanner.settings import Timeouts, TLSProfile
from scanner.vocabulary import Dane, FailureKind, Level, Mode, Phase

SNI_LIMIT = 255
"""Maximum length in octets of a server name (SNI) in OpenSSL and in DNS."""

SNI_SHOWN = 100
"""Number of characters of an overlong server name that the warning prints."""

_ALERT = (b"", b"\x15")
"""First octet received in a handshake without a ServerHello: no octet, or the first octet of an alert record."""

_IMPOSSIBLE = TLSProfile("impossible", "no-such-cipher", security_level=1)
"""TLS profile that OpenSSL rejects, so that the session ends before the handshake."""


def mode_of(options: Options) -> Mode:
    """Return the mode (SMTP or LMTP, with or without TLS from the start) that ``-S`` and ``-w`` select."""
    if options.lmtp:
        return Mode.LMTPS if options.wrapper else Mode.LMTP
    return Mode.SMTPS if options.wrapper else Mode.SMTP


def _is_possible(offer: TLSProfile) -> bool:
    """Return whether OpenSSL accepts the settings of a TLS profile, such as the cipher list."""
    try:
        context_for(offer)
    except ValueError:
        return False
    return True


class LoggedProbe(Listener):
    """The SMTP dialogue with one address.

    After ``converse``, ``result`` is the result of the probe, ``chain`` the certificate chain of the server,
    ``evidence`` the result of verifying ``chain``, and ``judgement`` the trust state of the TLS session (None without
    TLS).
    """

    def __init__(
        self,
        setup: Setup,
        host_address: HostAddress,
        rule: policy.Policy,
        lookup: TLSALookup | None,
        sessions: SessionCache | None,
        *,
        first: bool = True,
    ) -> None:
        self._setup = setup
        self._options = setup.options
        self._out = setup.output
        self._mask = setup.mask
        self._candidate = host_address
        self._lookup = lookup
        self._sessions = sessions
        self._first = first
        self._nap = host_address.nap
        self._na = self._nap.lower()
        self._dump = Dump()
        self._chatting = True
        self._refused: tuple[Failure, Reply | None] | None = None
        self._failure_printed = False
        self._late_quit = False
        self._answered = False
        self._shown = False
        self._saved = False
        self._key = ""
        self._errors: tuple[str, ...] = ()
        self._profile, self._complaint = self._offer(rule)
        self._by_gnutls = setup.raw_keys and raw_keys.requested(rule, lookup)
        self.rule = rule
        self.secured_with: Secured | None = None
        self.result: ProbeResult | None = None
        self.chain: tuple[CertFacts, ...] = ()
        self.evidence: DaneEvidence | PkixEvidence | None = None
        self.judgement: policy.Judgement | None = None

    @property
    def succeeded(self) -> bool:
        """True if the dialogue reached EHLO under TLS or QUIT; a failure of EHLO under TLS or QUIT does not count."""
        failure = self.result.probe.failure if self.result else None
        return self.result is not None and (failure is None or failure.phase in (Phase.EHLO_TLS, Phase.QUIT))

    @property
    def internal(self) -> bool:
        """True if an internal error of mxsweep ended the dialogue."""
        failure = self.result.probe.failure if self.result else None
        by_offer = bool(self._complaint or self._errors)
        return failure is not None and failure.kind is FailureKind.INTERNAL and not by_offer

    @property
    def rejected_records(self) -> bool:
        """True if OpenSSL rejected all TLSA records although Postfix's parser accepted at least one record."""
        lookup = self._lookup
        return lookup is not None and lookup.dane is Dane.UNUSABLE and tlsa.parsed(lookup)

    async def converse(self) -> None:
        """Run the SMTP dialogue, print the log lines of the dialogue, and store the results in attributes."""
        options, host_address = self._options, self._candidate
        if self._first and options.chat:
            self._out.line(f"Connected to {self._nap}")
        command, greeting = limit(options.command_timeout), limit(options.connect_timeout)
        request = ProbeRequest(
            endpoint=Endpoint(host_address.address, host_address.port, self.rule.sni, mode_of(options), "finger"),
            profile=_IMPOSSIBLE if self._complaint else self._profile,
            ehlo=self._setup.ehlo,
            timeouts=Timeouts(greeting, greeting, command, command, command, FOREVER),
            want_tls=self._setup.tls and self.rule.level is not Level.NONE,
            ehlo_after_tls=self._first,
            identity=self._setup.identity,
            keep_session=self._sessions is not None,
            rules=POSTFIX_RULES._replace(line_limit=line_limit(options)),
            raw_keys=self._by_gnutls,
        )
        self.result = await self._setup.ports.converse(request, self)
        if self._saved and self._sessions is not None and self.result.session is not None:
            self._sessions.keep(self._key, self.result.session)
        self._end(self.result)

    def _offer(self, rule: policy.Policy) -> tuple[TLSProfile, str]:
        """Return the TLS profile of the handshake and a warning about the TLS settings (an empty text without one)."""
        options = self._options
        # The level after a fallback at handshake time is encrypt, but anonymous suites stay excluded.
        must_match = rule.level.must_match or rule.check_names
        try:
            made = profile(options.grade, options.protocols, options.parameters, must_match=must_match)
        except OfferError as error:
            return _IMPOSSIBLE, str(error)
        if must_match and not rule.level.must_match:
            made = replace(made, security_level=security_level(made.ciphers))
        if rule.sni is not None and len(rule.sni) > SNI_LIMIT and _is_possible(made):
            return made, f"ignoring too long SNI hostname: {rule.sni[:SNI_SHOWN]}"
        return made, ""

    # --- events of the dialogue -------------------------------------------------------------------------------

    def line(self, text: str) -> None:
        """Print a line of the SMTP dialogue; on the second and later connections, print only the greeting and QUIT."""
        if text.startswith(("> EHLO ", "> LHLO ")):
            self._chatting = self._first
        elif text == "> QUIT":
            self._chatting = True
            self._before_farewell()
        if self._options.chat and self._chatting:
            self._out.line(text)

    def failed(self, failure: Failure, reply: Reply | None) -> None:
        """Store the failure and the reply of a refused EHLO under TLS, to print the refusal before QUIT."""
        self._refused = (failure, reply)

    def broke(self, failure: Failure, errors: tuple[str, ...]) -> None:
        """Store the OpenSSL errors of the handshake; print later OpenSSL errors (mostly alerts of the peer)."""
        if failure.phase is Phase.HANDSHAKE:
            self._errors = errors
            return
        self._late_quit = failure.phase is Phase.QUIT and failure.kind is FailureKind.TIMEOUT
        self._out.lines(*lines.library_problems(errors))

    def resume(self, ehlo: Reply | None) -> SSL.Session | None:
        """Print the lines that precede the handshake; return the TLS session of an earlier connection, or None."""
        self._announce()
        if self._sessions is None:
            return None
        counted = self._lookup is not None and (self.rule.level.dane_based or self.rejected_records)
        records = self._lookup.records if self._lookup is not None and counted else ()
        self._key = session_key(self._candidate, self.rule, self._profile, records, ehlo)
        found = self._sessions.find(self._key)
        self._about_cache(f"looking for session {self._key} in memory cache")
        if found is not None:
            self._about_cache(f"reloaded session {self._key} from memory cache")
        return found

    def _announce(self) -> None:
        self._announce_offer()
        if LogMask.DEBUG in self._mask and self.rule.sni is not None:
            self._out.line(f"{self._nap}: SNI hostname: {self.rule.sni}")
        if self.rule.sni is not None and not self.rule.sni.isascii() and utf8_enabled(self._options):
            self._out.lines(*ascii_warnings([self.rule.sni]))
        self._complain_about_records()

    def _announce_offer(self) -> None:
        for complaint in bound_warnings(self._options.protocols):
            self._out.line(f"warning: {self._nap}: {complaint}")
        if LogMask.VERBOSE in self._mask:
            self._out.line(f"setting up TLS connection to {self._nap}")
            self._out.line(f'{self._na}: TLS cipher list "{self._profile.ciphers}"')

    def _about_cache(self, text: str) -> None:
        if LogMask.CACHE in self._mask:
            self._out.line(text)

    def ticket(self) -> None:
        """Count the TLS session of this connection as stored in the cache when the first session ticket arrives."""
        if self._sessions is not None and not self._saved:
            self._saved = True
            self._sessions.saves += 1
            self._about_cache(f"save session {self._key} to memory cache")

    def state(self, text: str) -> None:
        """Print a state of OpenSSL's handshake, if ``-L`` selects the handshake states."""
        if LogMask.DEBUG in self._mask:
            self._out.line(f"SSL_connect:{text}")

    def wire(self, *, sent: bool, data: bytes) -> None:
        """Print a dump of TLS octets if ``-L`` selects dumps of the handshake or of the whole session."""
        self._answered |= not sent and data[:1] not in _ALERT
        wanted = (
            LogMask.SESSION_DUMP if self.secured_with is not None else LogMask.SESSION_DUMP | LogMask.HANDSHAKE_DUMP
        )
        if wanted & self._mask:
            self._out.lines(*self._dump.lines(sent=sent, data=data))

    def secured(self, facts: Secured) -> None:
        """Verify the peer and print the lines about the TLS session."""
        self.secured_with = facts
        self.chain = tuple(certs.facts(der) for der in facts.chain)
        if facts.raw_key is not None:
            self.evidence = self._compare_key(facts.raw_key)
        elif self.chain:
            self.evidence = self._compare(self._setup.ports.now())
        self.judgement = policy.judge(self.rule, self.chain, self.evidence)
        if facts.handshake.resumed:
            self._about_cache(f"{self._na}: Reusing old session")
        elif LogMask.VERBOSE in self._mask and self.evidence is not None and self.chain:
            self._out.lines(*lines.path_lines(self._na, self.evidence, self.chain))
        shown = lines.LineOptions(
            self._nap, self._mask, self.rule, self._options.digest, resumed=facts.handshake.resumed
        )
        if facts.raw_key is not None:
            self._out.lines(*lines.raw_key_lines(shown, self.judgement, self.evidence, facts.raw_key))
        self._out.lines(*lines.peer_lines(shown, self.judgement, self.evidence, self.chain))
        if LogMask.SUMMARY in self._mask:
            self._out.line(lines.summary(self._na, self.judgement.word, facts, self.chain))

    def _before_farewell(self) -> None:
        """Print a refused EHLO and, with TLS, ``Server is anonymous`` or the chain; a second call prints nothing."""
        if self._refused is not None:
            self._print_failure(*self._refused)
        if self.secured_with is None or self._shown or not self._first:
            return
        self._shown = True
        if not self.chain and self.secured_with.raw_key is None:
            self._out.line("Server is anonymous")
        elif self.chain and self._options.show_chain:
            self._out.block(lines.chain_dump(self.chain, self._options.digest))

    # --- evidence ---------------------------------------------------------------------------------------------

    def _compare(self, now: datetime) -> DaneEvidence | PkixEvidence:
        setup, level = self._setup, self.rule.level
        strict = self._profile.security_level
        if level is Level.FINGERPRINT:
            records = self._fingerprints()
            return fingerprints.match(records, self.chain[0], self._options.digest)
        if level.dane_based and self._lookup is not None:
            return dane.match(self._lookup.records, self.chain, now, security_level=strict, digests=setup.digests)
        if self._by_anchors and all(record.unusable for record in setup.anchors):
            return fingerprints.match(setup.anchors, self.chain[0], self._options.digest)
        if self._by_anchors:
            return dane.match(setup.anchors, self.chain, now, security_level=strict)
        return pkix.verify(self.chain, setup.trust or pkix.EMPTY, now, security_level=strict)

    def _compare_key(self, key: bytes) -> DaneEvidence:
        records: Sequence[TLSARecord] = ()
        if self.rule.level is Level.FINGERPRINT:
            records = self._fingerprints()
        elif self.rule.level.dane_based and self._lookup is not None:
            records = self._lookup.records
        return raw_keys.match(records, key, self._options.digest, self._profile.security_level)

    @property
    def _by_anchors(self) -> bool:
        """True if the trust anchors of ``-A`` replace the trust store for this session."""
        return bool(self._setup.anchors) and self._options.level in (Level.VERIFY, Level.SECURE)

    def _fingerprints(self) -> tuple[TLSARecord, ...]:
        options = self._options
        return fingerprints.parse(options.matches, options.digest, key_only=options.raw_keys)

    def _complain_about_records(self) -> None:
        """Print OpenSSL's warnings about TLSA records, fingerprints and trust anchors, the last record first."""
        if self.rule.level is Level.FINGERPRINT:
            self._complain("fingerprints", self._fingerprints())
        if self.rule.level in (Level.VERIFY, Level.SECURE):
            self._complain_about_names()
        if self._by_anchors:
            self._complain("trust anchors", self._setup.anchors)
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
        if self._first and utf8_enabled(self._options):
            self._out.lines(*ascii_warnings(self._options.matches))
        for _ in range(self._options.matches.count(".")):
            self._out.line(f'warning: {self._na}: ignoring invalid match name: "."')
        if self.rule.forced_failure:
            self._out.line(f"warning: {self._na}: could not configure peer name checks")

    def _complain(self, what: str, records: Sequence[TLSARecord]) -> None:
        """Print a warning for each TLSA record that OpenSSL rejects, and one more if OpenSSL rejects all records."""
        for record in records:
            if record.unusable is not None:
                self._out.line(f"warning: {self._na}: unusable TLSA RR: {tlsa.display(record)}")
        if records and all(record.unusable for record in records):
            self._out.line(f"warning: {self._na}: all {what} unusable")

    # --- end of the dialogue ----------------------------------------------------------------------------------

    def _end(self, result: ProbeResult) -> None:
        probe = result.probe
        if probe.failure is not None:
            if probe.failure.phase is Phase.HANDSHAKE:
                self._no_session(probe.failure)
                return
            self._print_failure(probe.failure, failed_reply(probe))
            goes_on = (*lines.REFUSALS, FailureKind.TIMEOUT)
            if probe.failure.phase is Phase.EHLO_TLS and probe.failure.kind not in goes_on:  # closed before QUIT
                self.line("> QUIT")
                self._out.line(lines.LOST_QUIT)
        if "quit-unanswered" in probe.defects:
            self._out.line(lines.LATE_QUIT if self._late_quit else lines.LOST_QUIT)

    def _print_failure(self, failure: Failure, reply: Reply | None) -> None:
        if self._failure_printed:
            return
        self._failure_printed = True
        self._out.lines(*lines.dialogue_failure(failure, reply, lmtp=self._options.lmtp))

    def _no_session(self, failure: Failure) -> None:
        if self._complaint:
            if self._profile is not _IMPOSSIBLE:
                self._announce_offer()
            self._out.line(f"warning: {self._nap}: {self._complaint}")
        elif failure.kind is FailureKind.INTERNAL and self._errors:
            self._out.line(f'warning: {self._nap}: error setting cipher grade: "{self._options.grade}"')
            self._out.lines(*lines.library_problems(self._errors))
        elif failure.kind is FailureKind.INTERNAL:
            self._out.line(lines.internal_error(failure))
        else:
            self._out.lines(*lines.handshake_failure(self._nap, failure, self._errors))
            large = self._profile.groups is None and not self._by_gnutls
            if large and not self._answered and lines.suspects_size(failure, self._errors):
                self._out.line(lines.LARGE_HELLO)
            if self._sessions is not None and self._key:
                self._about_cache(f"remove session {self._key} from client cache")
