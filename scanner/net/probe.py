"""A probe: connect to one endpoint, hold the SMTP dialogue with the TLS handshake, and return a ``Probe``.

Each stage and the whole probe have an absolute deadline, which a peer cannot extend by sending single octets. Failures
of the network and of the peer are values in ``Probe.failure``; only cancellation and invalid arguments raise
exceptions. This module neither verifies certificates nor judges the result of a probe.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from operator import attrgetter
from typing import TYPE_CHECKING

import trio
from OpenSSL import SSL

from scanner.core.dialogue import SCAN_RULES, Dialogue, DialogueRules
from scanner.facts import Endpoint, Failure, Handshake, Probe
from scanner.net import tcp, tls_errors
from scanner.net.deadlines import Deadline
from scanner.net.failures import failure_of, timed_out
from scanner.net.large_connections import LargeConnections
from scanner.net.probe_events import Listener, Reporter, Secured
from scanner.net.stalls import log_stall
from scanner.net.tls import Identity, TLSStream, context_for
from scanner.net.tls_wire import ByteStream
from scanner.settings import Timeouts, TLSProfile
from scanner.vocabulary import FailureKind, Phase

if TYPE_CHECKING:
    from scanner.net.gnutls import RawKeyStream

KEPT_OPEN = 5.0
"""Seconds for which every server keeps a connection open during a TLS handshake; later, the server may close it."""

_CHUNK = 16 * 1024
"""Maximum number of octets of clear text per read; a usual SMTP reply is shorter."""

_NAMES = {phase: phase.value for phase in Phase}

_SECONDS: dict[Phase, Callable[[Timeouts], float]] = dict.fromkeys(Phase, attrgetter("command")) | {
    phase: attrgetter(phase) for phase in (Phase.CONNECT, Phase.GREETING, Phase.HANDSHAKE, Phase.QUIT)
}
"""For each phase of a probe, a function that returns the phase's time limit in seconds."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """A probe, the DER of each certificate as sent (leaf first), and the TLS session if it was requested."""

    probe: Probe
    chain: tuple[bytes, ...] = ()
    session: SSL.Session | None = None


@dataclass(frozen=True, slots=True)
class Extra:
    """Options of single probes (used by ``finger``), and the counters and limits that all probes of a scan share.

    ``listener`` receives the events of the probe and may provide a TLS session to resume; ``keep_session`` requests the
    TLS session in the result. ``stages`` contains the number of probes that are in each phase now. ``rules`` are the
    rules in which the SMTP dialogues of ``scan`` and ``finger`` differ. ``large`` limits the simultaneous connections
    that have received more than ``tls_wire.LARGE`` octets of TLS. ``raw_keys`` requests a raw public key; GnuTLS then
    makes the handshake, without a TLS session to resume or a client certificate.
    """

    ehlo_after_tls: bool = True
    identity: Identity | None = None
    keep_session: bool = False
    listener: Listener | None = None
    stages: Counter[str] = field(default_factory=Counter)
    rules: DialogueRules = SCAN_RULES
    large: LargeConnections = field(default_factory=LargeConnections)
    raw_keys: bool = False


def probe(
    endpoint: Endpoint,
    *,
    profile: TLSProfile,
    ehlo: str,
    timeouts: Timeouts,
    bind: str | None = None,
    want_tls: bool = True,
    extra: Extra | None = None,
) -> Awaitable[ProbeResult]:
    """Probe an endpoint over a new connection.

    Args:
        endpoint: the address, port and mode to probe; its ``profile`` is the name of the TLS profile.
        profile: the TLS versions, ciphers and groups that the client offers.
        ehlo: the name to send in EHLO.
        timeouts: time limits in seconds of each stage and of the whole probe.
        bind: the local IP address, None for the system's choice.
        want_tls: send STARTTLS if it is offered.
        extra: further options, and the limits that this probe shares with other probes (see ``Extra``).
    """
    extra = extra or Extra()
    driver = _ProbeDriver(endpoint, profile, timeouts, _dialogue(endpoint, ehlo, extra, want_tls), extra)
    return driver.run(bind=bind)


def converse(
    stream: trio.abc.Stream,
    endpoint: Endpoint,
    *,
    profile: TLSProfile,
    ehlo: str,
    timeouts: Timeouts,
    want_tls: bool = True,
    extra: Extra | None = None,
) -> Awaitable[ProbeResult]:
    """Probe an endpoint over a connected stream, and close the stream; the arguments are those of ``probe``."""
    extra = extra or Extra()
    driver = _ProbeDriver(endpoint, profile, timeouts, _dialogue(endpoint, ehlo, extra, want_tls), extra)
    return driver.run(stream)


def record(
    endpoint: Endpoint,
    started: datetime,
    dialogue: Dialogue,
    handshake: Handshake | None,
    *,
    ms: dict[str, float] | None = None,
    unconnected: Failure | None = None,
) -> Probe:
    """Return the record of a probe that has ended; ``unconnected`` is the failure to connect, or None."""
    return Probe(
        endpoint=endpoint,
        started=started,
        ms=ms or {},
        starttls=dialogue.starttls,
        banner=dialogue.banner,
        ehlo=dialogue.ehlo,
        keywords=dialogue.keywords,
        starttls_reply=dialogue.starttls_reply,
        handshake=handshake,
        ehlo_tls=dialogue.ehlo_tls,
        failure=unconnected or dialogue.failure,
        defects=dialogue.defects,
        transcript=tuple(dialogue.transcript),
    )


def _dialogue(endpoint: Endpoint, ehlo: str, extra: Extra, want_tls: bool) -> Dialogue:  # noqa: FBT001 - passed on
    return Dialogue(
        ehlo,
        lmtp=endpoint.mode.lmtp,
        implicit_tls=endpoint.mode.implicit_tls,
        want_tls=want_tls,
        ehlo_after_tls=extra.ehlo_after_tls,
        rules=extra.rules,
    )


class _ProbeDriver:
    """Driver of one probe: input, output and deadlines. The class ``Dialogue`` decides which octets to send."""

    def __init__(
        self, endpoint: Endpoint, profile: TLSProfile, timeouts: Timeouts, dialogue: Dialogue, extra: Extra
    ) -> None:
        self._endpoint = endpoint
        self._profile = profile
        self._timeouts = timeouts
        self._dialogue = dialogue
        self._extra = extra
        self._started = datetime.now(UTC)
        self._clock = trio.lowlevel.current_clock().current_time
        self._stage_began = self._clock()  # start of the current stage, which is the end of the previous stage
        self._end = self._stage_began + timeouts.probe
        self._deadline = Deadline()
        self._ms: dict[str, float] = {}
        self._listens = extra.listener is not None  # false in a scan, which saves calls of the listener
        self._listener = extra.listener or Listener()
        self._reporter = Reporter(dialogue, self._listener)
        self._stream: trio.abc.Stream | None = None
        self._unconnected: Failure | None = None
        self._channel: ByteStream
        self._tls: TLSStream | RawKeyStream | None = None
        self._handshake: Handshake | None = None
        self._chain: tuple[bytes, ...] = ()
        self._session: SSL.Session | None = None
        self._tls_errors: tuple[str, ...] = ()
        self._is_large = False
        self._spent = 0.0  # seconds of computation in the TLS handshake
        self._waited = 0.0  # seconds of the wait for ``Extra.large``

    async def run(self, stream: trio.abc.Stream | None = None, *, bind: str | None = None) -> ProbeResult:
        """Connect unless a stream is given, do the whole SMTP dialogue, close the stream and return the result."""
        self._stream = stream
        try:
            with self._deadline:
                if self._stream is None:
                    await self._connect(bind)
                if self._stream is not None:
                    self._channel = self._stream
                    await self._hold()
            if self._deadline.reached:
                await self._time_out()
        finally:
            self._tls = None
            if self._stream is not None:
                self._channel = self._stream  # the TLS stream refers to this object: no reference cycle remains
                await tcp.close(self._stream)
            if self._is_large:
                self._extra.large.end(self._spent)
        return self._result()

    async def _time_out(self) -> None:
        """Record the stage whose deadline passed.

        End the SMTP dialogue within new deadlines, and close TLS if it is active.
        """
        if self._stream is None:
            self._unconnected = timed_out(Phase.CONNECT)
            return
        while self._deadline.reached and not self._dialogue.over:
            self._fail(timed_out(self._dialogue.phase))
            self._deadline = Deadline()
            with self._deadline:
                await self._hold()

    async def _hold(self) -> None:
        """Continue the dialogue from its current phase to its end, and close TLS."""
        while (phase := self._dialogue.phase) is not Phase.DONE:
            work = self._start_tls if phase is Phase.HANDSHAKE else self._exchange
            failure = await self._stage(phase, work)
            if failure is not None and not self._dialogue.over:
                self._fail(failure)
        await self._close_tls()

    async def _connect(self, bind: str | None) -> None:
        async def work() -> None:
            self._stream = await tcp.connect(self._endpoint.address, self._endpoint.port, bind=bind)

        failure = await self._stage(Phase.CONNECT, work)
        if failure is not None and failure.kind is FailureKind.RESET:
            # a reset in reply to our SYN is a refusal: this connection was established and reset before the greeting
            failure = replace(failure, phase=self._dialogue.phase)
        self._unconnected = failure

    def _fail(self, failure: Failure) -> None:
        self._listener.broke(failure, self._tls_errors)
        self._dialogue.broken(failure)
        if self._listens and failure.kind is not FailureKind.INTERNAL:  # an internal error may come from the listener
            self._reporter.report()

    def _result(self) -> ProbeResult:
        probed = record(
            self._endpoint,
            self._started,
            self._dialogue,
            self._handshake,
            ms=self._ms,
            unconnected=self._unconnected,
        )
        return ProbeResult(probed, self._chain, self._session)

    async def _stage(self, phase: Phase, work: Callable[[], Awaitable[None]]) -> Failure | None:
        """Do the work of one stage and return the failure of the stage.

        If the deadline of the stage passes, the whole dialogue is cancelled.
        """
        began, stages = self._stage_began, self._extra.stages
        self._deadline.at = min(began + _SECONDS[phase](self._timeouts), self._end)
        stages[phase] += 1
        try:
            await work()
        except Exception as exc:  # noqa: BLE001 - failure_of classifies all exceptions, including bugs
            self._tls_errors = tls_errors.of(exc)
            return self._with_wait(failure_of(exc, phase))
        finally:
            stages[phase] -= 1
            self._stage_began = self._clock()
            self._ms[_NAMES[phase]] = int((self._stage_began - began) * 1_000_000) / 1000
        return None

    async def _exchange(self) -> None:
        """Send the next SMTP command and read until the dialogue has received the whole reply."""
        dialogue = self._dialogue
        phase = dialogue.phase
        if command := dialogue.bytes_to_send():
            await self._channel.send_all(command)
        while dialogue.phase is phase:
            if data := await self._channel.receive_some(_CHUNK):
                if self._listens:
                    self._listener.heard(bytes(data))
                dialogue.receive(data)
            else:
                self._listener.ended()
                dialogue.end_of_stream()
            if self._listens:
                self._reporter.report()

    async def _start_tls(self) -> None:
        context = context_for(self._profile, self._extra.identity)
        session = self._listener.resume(self._dialogue.ehlo)
        self._tls = self._tls_stream(context, session)
        try:
            await self._tls.handshake()
        finally:
            self._spent = self._tls.spent
            log_stall(f"{self._endpoint.address}: TLS handshake", self._tls.slowest)
        self._handshake, self._chain = self._tls.facts()
        if self._listens:
            own, scheme = self._tls.own_certificate() or (None, None)
            self._listener.secured(Secured(self._handshake, self._chain, own, scheme, self._tls.raw_key))
        self._channel = self._tls
        self._dialogue.tls_established()
        if self._listens:
            self._reporter.report()

    def _tls_stream(self, context: SSL.Context, session: SSL.Session | None) -> "TLSStream | RawKeyStream":
        """Return the client's end of the TLS connection: GnuTLS's if a raw public key is requested, else OpenSSL's."""
        extra, profile, sni = self._extra, self._profile, self._endpoint.sni
        if extra.raw_keys:
            from scanner.net.gnutls import RawKeyStream  # noqa: PLC0415 - only finger -x needs it

            return RawKeyStream(self._channel, profile, sni, extra.listener)
        return TLSStream(
            self._channel, context, sni, session, extra.listener, profile.largest_prime, self._become_large
        )

    async def _become_large(self) -> None:
        """Wait until ``Extra.large`` permits another connection with more than ``tls_wire.LARGE`` octets of TLS.

        The duration of the wait is added to the deadlines of the probe.
        """
        deadline, began, left = self._deadline, self._clock(), self._deadline.at - self._clock()
        deadline.at = float("inf")
        await self._extra.large.begin()
        self._is_large = True
        self._waited = self._clock() - began
        deadline.at, self._end = self._clock() + left, self._end + self._waited

    def _with_wait(self, failure: Failure) -> Failure:
        """Return a failure of this scanner if the server ended the handshake after the wait for ``Extra.large``."""
        closed = failure.kind in (FailureKind.CLOSED, FailureKind.RESET)
        if not closed or self._waited < KEPT_OPEN or self._handshake is not None:
            return failure
        text = f"the connection waited {self._waited:.0f} s for a limit of this scanner, and the server closed it"
        return Failure(failure.phase, FailureKind.RESOURCES, text=text)

    async def _close_tls(self) -> None:
        if self._tls is None or self._handshake is None:
            return
        if self._extra.keep_session:
            self._session = self._tls.session()
        self._deadline.at = self._stage_began + self._timeouts.quit
        await self._tls.close_notify()
