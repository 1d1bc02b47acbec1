"""One connection to one endpoint: connect, dialogue, handshake, farewell; whatever happens, a ``Probe`` comes out.

Each stage has its own deadline, absolute, so that a peer that drips octets gains nothing, and the whole has
one that cuts every stage short. Failures are values in ``Probe.failure``; only cancellation, and arguments
that no dialogue could be held with, raise. Nothing is verified and nothing judged here.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from operator import attrgetter

import trio
from OpenSSL import SSL

from scanner.core.dialogue import Dialogue
from scanner.facts import Endpoint, Failure, Handshake, Probe, Reply
from scanner.net import tcp, tls_errors
from scanner.net.deadlines import Deadline
from scanner.net.failures import failure_of, timed_out
from scanner.net.listening import Listener, Secured
from scanner.net.tls import ByteStream, Identity, TLSStream, context_for
from scanner.settings import Timeouts, TLSProfile
from scanner.vocabulary import FailureKind, Phase

_CHUNK = 16 * 1024
"""Octets of clear text asked for at a time: any honest reply."""


_NAMES = {phase: phase.value for phase in Phase}

_SECONDS: dict[Phase, Callable[[Timeouts], float]] = dict.fromkeys(Phase, attrgetter("command")) | {
    phase: attrgetter(phase) for phase in (Phase.CONNECT, Phase.GREETING, Phase.HANDSHAKE, Phase.QUIT)
}
"""Which limit is a phase's."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """A probe, the DER of each certificate as sent (leaf first), and the TLS session where it was asked for."""

    probe: Probe
    chain: tuple[bytes, ...] = ()
    session: SSL.Session | None = None


@dataclass(frozen=True, slots=True)
class Extra:
    """What only a single probe by hand needs, and what many together count.

    ``listener`` is told of everything while it happens, and may bring a session to resume; ``keep_session`` asks for
    the one to resume next. ``stages`` has the number of probes that are in each phase now.
    """

    ehlo_after_tls: bool = True
    identity: Identity | None = None
    keep_session: bool = False
    listener: Listener | None = None
    stages: Counter[str] = field(default_factory=Counter)


NO_EXTRA = Extra()


def probe(
    endpoint: Endpoint,
    *,
    profile: TLSProfile,
    ehlo: str,
    timeouts: Timeouts,
    bind: str | None = None,
    polite: bool = True,
    want_tls: bool = True,
    extra: Extra = NO_EXTRA,
) -> Awaitable[ProbeResult]:
    """Connect to an endpoint and see what it offers.

    Args:
        endpoint: whom to probe; its ``profile`` is a name only, ``profile`` is what is offered.
        profile: our side of the handshake.
        ehlo: what to call ourselves.
        timeouts: seconds for each stage and for the whole.
        bind: our own IP address, None for the system's choice.
        polite: QUIT also after a refusal; posttls-finger hangs up.
        want_tls: use STARTTLS where it is offered.
        extra: see ``Extra``.
    """
    visit = _Visit(endpoint, profile, timeouts, _dialogue(endpoint, ehlo, extra, polite, want_tls), extra)
    return visit.attend(bind=bind)


def converse(
    stream: trio.abc.Stream,
    endpoint: Endpoint,
    *,
    profile: TLSProfile,
    ehlo: str,
    timeouts: Timeouts,
    polite: bool = True,
    want_tls: bool = True,
    extra: Extra = NO_EXTRA,
) -> Awaitable[ProbeResult]:
    """Do the same over a stream that is connected already, and close it."""
    visit = _Visit(endpoint, profile, timeouts, _dialogue(endpoint, ehlo, extra, polite, want_tls), extra)
    return visit.attend(stream)


def record(
    endpoint: Endpoint,
    started: datetime,
    dialogue: Dialogue,
    handshake: Handshake | None,
    *,
    ms: dict[str, float] | None = None,
    unconnected: Failure | None = None,
) -> Probe:
    """Return what a dialogue that is over, or that a failure to connect kept from beginning, has learned."""
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


def failed_reply(said: Dialogue | Probe) -> Reply | None:
    """Return the reply to what failed, if one came."""
    replies = {
        Phase.GREETING: said.banner,
        Phase.EHLO: said.ehlo,
        Phase.STARTTLS: said.starttls_reply,
        Phase.EHLO_TLS: said.ehlo_tls,
    }
    return replies.get(said.failure.phase) if said.failure is not None else None


def _dialogue(endpoint: Endpoint, ehlo: str, extra: Extra, polite: bool, want_tls: bool) -> Dialogue:  # noqa: FBT001 - passed on
    return Dialogue(
        ehlo,
        lmtp=endpoint.mode.lmtp,
        implicit_tls=endpoint.mode.implicit_tls,
        want_tls=want_tls,
        ehlo_after_tls=extra.ehlo_after_tls,
        polite=polite,
    )


class _Visit:
    """The driver of one dialogue: it waits and keeps time; the dialogue decides."""

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
        self._at = self._clock()  # when the last stage ended
        self._ends = self._at + timeouts.probe
        self._limit = Deadline()
        self._ms: dict[str, float] = {}
        self._heard = extra.listener is not None  # a scan listens to nothing, and is spared what it would be told
        self._listener = extra.listener or Listener()
        self._told = 0
        self._failure_told = False
        self._stream: trio.abc.Stream | None = None
        self._unconnected: Failure | None = None
        self._channel: ByteStream
        self._tls: TLSStream | None = None
        self._handshake: Handshake | None = None
        self._chain: tuple[bytes, ...] = ()
        self._session: SSL.Session | None = None
        self._errors: tuple[str, ...] = ()

    async def attend(self, stream: trio.abc.Stream | None = None, *, bind: str | None = None) -> ProbeResult:
        """Connect unless that is done, hold the dialogue to its end, and close the stream; all that was learned."""
        self._stream = stream
        try:
            with self._limit:
                if self._stream is None:
                    await self._connect(bind)
                if self._stream is not None:
                    self._channel = self._stream
                    while (phase := self._dialogue.phase) is not Phase.DONE:
                        work = self._shake_hands if phase is Phase.HANDSHAKE else self._exchange
                        failure = await self._stage(phase, work)
                        if failure is not None and not self._dialogue.over:
                            self._broke(failure)
                    await self._take_leave()
            if self._limit.reached:
                await self._late()
        finally:
            if self._stream is not None:
                await tcp.close(self._stream)
        return self._sighting()

    async def _late(self) -> None:
        """Note in which stage time was up; a peer that has TLS is still told that this is the end."""
        if self._stream is None:
            self._unconnected = timed_out(Phase.CONNECT)
        elif not self._dialogue.over:
            self._broke(timed_out(self._dialogue.phase))
            self._limit = Deadline()
            with self._limit:
                await self._take_leave()

    async def _connect(self, bind: str | None) -> None:
        async def work() -> None:
            self._stream = await tcp.connect(self._endpoint.address, self._endpoint.port, bind=bind)

        failure = await self._stage(Phase.CONNECT, work)
        if failure is not None and failure.kind is FailureKind.RESET:
            # a reset of our SYN is a refusal: here the connection was up and died before we could look at it
            failure = replace(failure, phase=self._dialogue.phase)
        self._unconnected = failure

    def _broke(self, failure: Failure) -> None:
        self._listener.broke(failure, self._errors)
        self._dialogue.broken(failure)

    def _sighting(self) -> ProbeResult:
        told = record(
            self._endpoint,
            self._started,
            self._dialogue,
            self._handshake,
            ms=self._ms,
            unconnected=self._unconnected,
        )
        return ProbeResult(told, self._chain, self._session)

    async def _stage(self, phase: Phase, work: Callable[[], Awaitable[None]]) -> Failure | None:
        """Do one stage's work; return what went wrong. When its time is up, all stages are left."""
        entered, stages = self._at, self._extra.stages
        self._limit.at = min(entered + _SECONDS[phase](self._timeouts), self._ends)
        stages[phase] += 1
        try:
            await work()
        except Exception as exc:  # noqa: BLE001 - the one ladder sorts them all, our own bugs too
            self._errors = tls_errors.of(exc)
            return failure_of(exc, phase)
        finally:
            stages[phase] -= 1
            self._at = self._clock()
            self._ms[_NAMES[phase]] = int((self._at - entered) * 1_000_000) / 1000
        return None

    async def _exchange(self) -> None:
        """Send the command that is due and read until the dialogue has its reply."""
        dialogue = self._dialogue
        phase = dialogue.phase
        if command := dialogue.bytes_to_send():
            await self._channel.send_all(command)
        while dialogue.phase is phase:
            if data := await self._channel.receive_some(_CHUNK):
                if self._heard:
                    self._listener.heard(bytes(data))
                dialogue.receive(data)
            else:
                self._listener.ended()
                dialogue.end_of_stream()
            if self._heard:
                self._tell()

    async def _shake_hands(self) -> None:
        context = context_for(self._profile, self._extra.identity)
        session = self._listener.resume(self._dialogue.ehlo)
        self._tls = TLSStream(self._channel, context, self._endpoint.sni, session, self._extra.listener)
        await self._tls.handshake()
        self._handshake, self._chain = self._tls.facts()
        if self._heard:
            own = self._tls.own_certificate() or (None, None)
            self._listener.secured(Secured(self._handshake, self._chain, *own))
        self._channel = self._tls
        self._dialogue.tls_established()
        if self._heard:
            self._tell()

    async def _take_leave(self) -> None:
        if self._tls is None or self._handshake is None:
            return
        if self._extra.keep_session:
            self._session = self._tls.session()
        self._limit.at = self._at + self._timeouts.quit
        await self._tls.close_notify()

    def _tell(self) -> None:
        failure = self._dialogue.failure
        if failure is not None and not self._failure_told:
            self._failure_told = True
            self._listener.failed(failure, failed_reply(self._dialogue))
        for line in self._dialogue.transcript[self._told :]:
            self._told += 1
            self._listener.line(line)
