"""Ports (interfaces to DNS and TCP) that store the answers and events of ``mxsweep finger`` in a ``SavedCase``."""

from collections.abc import Sequence
from datetime import datetime

from OpenSSL import SSL

from scanner.facts import Answer, Failure, Reply
from scanner.finger.finger_ports import FingerPorts, ProbeRequest
from scanner.finger.saved_case import EventKind, SavedAnswer, SavedCase, SavedConnection, SavedEvent, SavedNative
from scanner.net.probe import ProbeResult
from scanner.net.probe_events import Listener, Secured


class RecordingPorts:
    """Implementation of ``FingerPorts`` that forwards calls to other ports and stores the answers in a ``SavedCase``.

    Args:
        ports: the ports that receive the calls.
        case: the saved case to which answers and events are added.
        dumps: true to store TLS records and handshake states too, for a run that prints TLS dumps or states.
    """

    def __init__(self, ports: FingerPorts, case: SavedCase, *, dumps: bool) -> None:
        self._ports = ports
        self._case = case
        self._dumps = dumps
        self.rng = ports.rng

    def now(self) -> datetime:
        """Return the time of the last connection; the run and a replay check validity dates at this time."""
        return self._case.connections[-1].at

    async def lookup(self, name: str, rtype: str, *, dnssec: bool = True) -> Answer:
        """Send one DNS query; store and return the answer."""
        answer = await self._ports.lookup(name, rtype, dnssec=dnssec)
        self._case.questions.append(SavedAnswer(name, rtype, answer))
        return answer

    async def native(self, host: str) -> Sequence[str] | str:
        """Query the native name service; store and return the answer."""
        found = await self._ports.native(host)
        kept = SavedNative(host, error=found) if isinstance(found, str) else SavedNative(host, tuple(found))
        self._case.native.append(kept)
        return found

    async def connect(self, address: str, port: int, seconds: float) -> Failure | None:
        """Connect to an address; store and return the failure, or None after success."""
        at = self._ports.now()
        failure = await self._ports.connect(address, port, seconds)
        self._case.connections.append(SavedConnection(address, port, at, failure))
        return failure

    async def converse(self, request: ProbeRequest, listener: Listener) -> ProbeResult:
        """Run the SMTP dialogue, store its events, and return its result."""
        tape = _Tape(self._case.connections[-1].events, listener, dumps=self._dumps)
        return await self._ports.converse(request, tape)

    async def sleep(self, seconds: float) -> None:
        """Wait for a time in seconds."""
        await self._ports.sleep(seconds)


class _Tape(Listener):
    """A listener that stores every event of an SMTP dialogue and forwards the event to another listener."""

    def __init__(self, events: list[SavedEvent], listener: Listener, *, dumps: bool) -> None:
        self._events = events
        self._listener = listener
        self._dumps = dumps
        self._answered = False

    def heard(self, data: bytes) -> None:
        self._events.append(SavedEvent(EventKind.HEARD, data.decode("latin-1")))
        self._listener.heard(data)

    def ended(self) -> None:
        self._events.append(SavedEvent(EventKind.ENDED))
        self._listener.ended()

    def broke(self, failure: Failure, errors: tuple[str, ...]) -> None:
        self._events.append(SavedEvent(EventKind.BROKE, failure=failure, errors=errors))
        self._listener.broke(failure, errors)

    def failed(self, failure: Failure, reply: Reply | None) -> None:
        self._listener.failed(failure, reply)

    def line(self, text: str) -> None:
        self._listener.line(text)

    def resume(self, ehlo: Reply | None) -> SSL.Session | None:
        return self._listener.resume(ehlo)

    def secured(self, facts: Secured) -> None:
        self._events.append(
            SavedEvent(
                EventKind.SECURED,
                handshake=facts.handshake,
                chain=facts.chain,
                own=facts.own,
                own_signature=facts.own_signature,
            )
        )
        self._listener.secured(facts)

    def ticket(self) -> None:
        self._events.append(SavedEvent(EventKind.TICKET))
        self._listener.ticket()

    def state(self, text: str) -> None:
        if self._dumps:
            self._events.append(SavedEvent(EventKind.STATE, text))
        self._listener.state(text)

    def wire(self, *, sent: bool, data: bytes) -> None:
        if self._dumps:
            self._events.append(SavedEvent(EventKind.SENT_TLS if sent else EventKind.HEARD_TLS, data.hex()))
        elif not sent and data and not self._answered:
            self._answered = True
            self._events.append(SavedEvent(EventKind.HEARD_TLS, data[:1].hex()))  # distinguishes an alert
        self._listener.wire(sent=sent, data=data)
