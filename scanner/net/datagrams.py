"""Many concurrent DNS questions over UDP: ``Datagrams.ask`` sends the questions of a task and returns the replies.

A random id and a random source port protect a question against forged replies from an attacker who cannot see the
question (RFC 5452 sections 9.2 and 10). Each DNS question in flight has its own UDP port, connected to the DNS server.
The kernel drops datagrams from addresses other than the server's address. A reply is accepted only at the port from
which its question was sent. After the reply to its question, a port is used for another question, which saves sockets;
the reply does not reveal the port to an attacker. A port is closed after ``MAX_USES`` questions. After the timeout of a
question, its port is closed, because the late reply must not arrive at a port with another question. The timeout of a
question to a server also closes all idle ports connected to the server, because the local address of the ports may no
longer exist.

All UDP ports are registered in one epoll object. One task waits for events, reads the datagrams, and ends the questions
whose deadline has passed, so that a question needs neither an epoll registration nor a cancel scope of its own.
"""

import select
import socket
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import trio

from scanner.core.answers import TIMEOUT
from scanner.core.wire import Message
from scanner.net.exchange import Ask, Miss, NameServer, missed, reply_to

MAX_DATAGRAM = 4096  # maximum number of octets of an accepted datagram: three times the size that we advertise
MAX_STRAYS = 1000  # maximum number of datagrams in a row at one port that are not a reply; more are a flood
MAX_USES = 256  # maximum number of questions sent from one port, in case an attacker learns its number
TICK = 0.02  # seconds by which a question may end early, so that many questions end at the same time
AT_A_TIME = 64  # maximum number of datagrams read from one port before the other ports are read

_SILENCE = Miss(TIMEOUT, silent=True)

TimedReply = tuple[Message | Miss, float]
"""The reply to a question, or the reason why there is no reply, and its arrival in seconds of trio's clock."""


class _Wait:
    """The wait of one task for the replies to its questions; ``replies`` has the order of the questions."""

    __slots__ = ("_bug", "_missing", "_task", "replies")

    def __init__(self, count: int) -> None:
        self.replies: list[TimedReply] = [(_SILENCE, 0.0)] * count
        self._missing = count
        self._bug: Exception | None = None
        self._task: trio.lowlevel.Task | None = None

    def put(self, place: int, reply: Message | Miss | Exception) -> None:
        """Store the reply to a question, or the exception to raise; after the last reply, wake the task."""
        if isinstance(reply, Exception):
            self._bug = reply
        else:
            self.replies[place] = reply, trio.current_time()
        self._missing -= 1
        if not self._missing and self._task is not None:
            trio.lowlevel.reschedule(self._task)

    async def end(self, abandon: Callable[[object], trio.lowlevel.Abort]) -> list[TimedReply]:
        """Wait for all replies and return the replies; ``abandon`` is called if the task is cancelled."""
        if self._missing:
            self._task = trio.lowlevel.current_task()
            await trio.lowlevel.wait_task_rescheduled(abandon)
        if self._bug is not None:
            raise self._bug
        return self.replies


_NOBODY = _Wait(0)


@dataclass(slots=True, eq=False)
class _Port:
    """A UDP socket connected to one server; if ``ask`` is not None, a task waits for its reply until ``until``.

    ``wait`` is the wait of this task, and ``place`` the index of the question in ``wait.replies``.
    """

    sock: socket.socket
    server: NameServer
    uses: int = MAX_USES
    strays: int = 0
    ask: Ask | None = None
    wait: _Wait = _NOBODY
    place: int = 0
    until: float = 0.0


class Datagrams:
    """The UDP ports for the questions of one resolver; a port is opened when needed, and ``close`` closes all ports."""

    def __init__(self) -> None:
        self._epoll: select.epoll | None = None
        self._ports: dict[int, _Port] = {}
        self._idle: defaultdict[NameServer, list[_Port]] = defaultdict(list)
        self._scope = trio.CancelScope()

    async def ask(self, server: NameServer, asks: Sequence[Ask], until: float) -> list[TimedReply]:
        """Send each DNS question in a datagram and wait for the replies to all questions.

        Args:
            server: the DNS server.
            asks: the encoded questions.
            until: the deadline in seconds of trio's clock.

        Returns:
            For each question, the reply, possibly truncated, or a ``Miss``: a timeout, a flood of datagrams that are
            not the reply, or a kernel error; with the time at which the wait for the reply ended.
        """
        wait = _Wait(len(asks))
        for place, ask in enumerate(asks):
            try:
                port = self._sent(server, ask)
            except OSError as error:
                wait.put(place, missed(error))
            else:
                port.ask, port.wait, port.place, port.until = ask, wait, place, until
        if until < self._scope.deadline:  # noqa: PLR1730 - setting it takes as long as a cancel scope
            self._scope.deadline = until

        def abandon(_: object) -> trio.lowlevel.Abort:
            for port in [port for port in self._ports.values() if port.wait is wait]:
                self._close(port)
            return trio.lowlevel.Abort.SUCCEEDED

        return await wait.end(abandon)

    def _sent(self, server: NameServer, ask: Ask) -> _Port:
        """Send a question from an idle or new UDP port, and return the port."""
        idle = self._idle[server]
        port = idle.pop() if idle else self._open(server)
        port.uses -= 1
        try:
            port.sock.send(ask.wire)
        except OSError:
            self._close(port)
            self._close_idle(server)
            raise
        return port

    def close(self) -> None:
        """Close all UDP ports; questions in flight end with a timeout.

        A DNS question after ``close`` opens new ports.
        """
        epoll, self._epoll = self._epoll, None
        if epoll is None:
            return
        for port in list(self._ports.values()):
            self._end(port, _SILENCE)
        self._idle.clear()
        trio.lowlevel.notify_closing(epoll.fileno())
        epoll.close()

    def _open(self, server: NameServer) -> _Port:
        sock = socket.socket(server.family, socket.SOCK_DGRAM)
        try:
            sock.settimeout(0)
            if server.bind is not None:
                sock.bind((server.bind, 0))
            sock.connect((server.address, server.port))
        except BaseException:
            sock.close()
            raise
        self._started().register(sock.fileno(), select.EPOLLIN)
        port = self._ports[sock.fileno()] = _Port(sock, server)
        return port

    def _started(self) -> select.epoll:
        if self._epoll is None:
            self._epoll = select.epoll()
            trio.lowlevel.spawn_system_task(self._listen, self._epoll)
        return self._epoll

    async def _listen(self, epoll: select.epoll) -> None:
        """Read datagrams and end the questions whose deadline has passed until ``close`` is called or trio ends."""
        try:
            while self._epoll is epoll:
                with trio.CancelScope(deadline=self._next_overdue()) as self._scope:
                    while True:
                        await trio.lowlevel.wait_readable(epoll.fileno())
                        if self._epoll is not epoll:  # ``close`` was called since this task was woken
                            return
                        for fileno, _ in epoll.poll(0):
                            self._read(self._ports[fileno])
                self._give_up(trio.current_time())
        except trio.ClosedResourceError:
            return
        finally:
            if self._epoll is epoll:
                self.close()

    def _next_overdue(self) -> float:
        """Return the earliest deadline of the questions in flight."""
        return min((port.until for port in self._ports.values() if port.ask is not None), default=float("inf"))

    def _give_up(self, now: float) -> None:
        """End the questions whose deadline has passed or passes within ``TICK``."""
        for port in list(self._ports.values()):
            if port.ask is not None and port.until <= now + TICK:
                self._end(port, _SILENCE)
                self._close_idle(port.server)

    def _read(self, port: _Port) -> None:
        """Read at most ``AT_A_TIME`` datagrams of a port; if datagrams are left, epoll reports the port again."""
        try:
            for _ in range(AT_A_TIME):
                if self._handle(port, port.sock.recv(MAX_DATAGRAM)):
                    return
        except BlockingIOError:  # no datagram is left, or the kernel dropped a datagram with a wrong checksum
            return
        except OSError as error:
            self._end(port, missed(error))

    def _handle(self, port: _Port, wire: bytes) -> bool:
        """Pass a reply to the task that waits for the reply; ignore other datagrams until ``MAX_STRAYS`` have arrived.

        Return True if the wait for a reply at the port has ended.
        """
        ask = port.ask
        try:
            reply = None if ask is None else reply_to(ask, wire)
        except Exception as error:  # noqa: BLE001 - a bug is raised in the waiting task: here it would end all questions
            self._end(port, error)
            return True
        if reply is None:
            port.strays += 1
            flooded = port.strays >= MAX_STRAYS
            if flooded:
                self._end(port, Miss("flooded with datagrams that are not a reply"))
            return flooded
        wait, port.wait, port.ask, port.strays = port.wait, _NOBODY, None, 0
        wait.put(port.place, reply)
        if port.uses:
            self._idle[port.server].append(port)
        else:
            self._close(port)
        return True

    def _end(self, port: _Port, result: Miss | Exception) -> None:
        """Close a port; return or raise the result in the task that waits for the reply at the port."""
        if port.ask is not None:
            port.wait.put(port.place, result)
        else:
            with suppress(ValueError):
                self._idle[port.server].remove(port)
        self._close(port)

    def _close_idle(self, server: NameServer) -> None:
        for port in self._idle.pop(server, ()):
            self._close(port)

    def _close(self, port: _Port) -> None:
        port.ask, port.wait = None, _NOBODY
        del self._ports[port.sock.fileno()]
        port.sock.close()  # closing the socket also removes the socket from the epoll object
