"""Many concurrent DNS questions over UDP: ``Datagrams.ask`` sends one question and returns the reply.

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

import heapq
import select
import socket
from collections import defaultdict
from dataclasses import dataclass
from itertools import count

import trio

from scanner.core.answers import TIMEOUT
from scanner.core.wire import Message
from scanner.net.exchange import Ask, Miss, NameServer, missed, reply_to

MAX_DATAGRAM = 4096  # maximum number of octets of an accepted datagram: three times the size that we advertise
MAX_STRAYS = 1000  # maximum number of datagrams in a row at one port that are not a reply; more are a flood
MAX_USES = 256  # maximum number of questions sent from one port, in case an attacker learns its number
AT_A_TIME = 64  # maximum number of datagrams read from one port before the other ports are read


@dataclass(slots=True, eq=False)
class _Waiting:
    """A DNS question whose reply a task awaits; ``reply`` and ``bug`` are set when the wait ends."""

    ask: Ask
    task: trio.lowlevel.Task
    port: "_Port"
    reply: Message | Miss | None = None
    bug: Exception | None = None


@dataclass(slots=True, eq=False)
class _Port:
    """A UDP socket connected to one server, and the DNS question in flight on it."""

    sock: socket.socket
    server: NameServer
    waiting: _Waiting | None = None
    uses: int = MAX_USES
    strays: int = 0


class Datagrams:
    """The UDP ports for the questions of one resolver; a port is opened when needed, and ``close`` closes all ports."""

    def __init__(self) -> None:
        self._epoll: select.epoll | None = None
        self._ports: dict[int, _Port] = {}
        self._idle: defaultdict[NameServer, list[_Port]] = defaultdict(list)
        self._overdue: list[tuple[float, int, _Waiting]] = []  # a heap
        self._number = count()
        self._scope = trio.CancelScope()

    async def ask(self, server: NameServer, ask: Ask, until: float) -> Message | Miss:
        """Send a DNS question in a datagram and wait for the reply.

        Args:
            server: the DNS server.
            ask: the encoded question.
            until: the deadline in seconds of trio's clock.

        Returns:
            The reply, possibly truncated, or a ``Miss``: a timeout, a flood of datagrams that are not the reply, or a
            kernel error.
        """
        try:
            port = self._port(server)
        except OSError as error:
            return missed(error)
        try:
            port.sock.send(ask.wire)
        except OSError as error:
            self._close(port)
            self._close_idle(server)
            return missed(error)
        waiting = port.waiting = _Waiting(ask, trio.lowlevel.current_task(), port)
        heapq.heappush(self._overdue, (until, next(self._number), waiting))
        if until < self._scope.deadline:  # noqa: PLR1730 - setting it takes as long as a cancel scope
            self._scope.deadline = until

        def abandon(_: object) -> trio.lowlevel.Abort:
            self._close(port)
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abandon)
        if waiting.bug is not None:
            raise waiting.bug
        return waiting.reply or Miss(TIMEOUT, silent=True)

    def close(self) -> None:
        """Close all UDP ports; questions in flight end with a timeout.

        A DNS question after ``close`` opens new ports.
        """
        epoll, self._epoll = self._epoll, None
        if epoll is None:
            return
        for port in list(self._ports.values()):
            self._end(port, None)
        self._idle.clear()
        trio.lowlevel.notify_closing(epoll.fileno())
        epoll.close()

    def _port(self, server: NameServer) -> _Port:
        """Return an idle UDP port connected to the server, or open a new port."""
        idle = self._idle[server]
        port = idle.pop() if idle else self._open(server)
        port.uses -= 1
        return port

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
        """Return the earliest deadline of the questions in flight, after removing answered questions from the queue."""
        while self._overdue and self._overdue[0][2].port.waiting is not self._overdue[0][2]:
            heapq.heappop(self._overdue)
        return self._overdue[0][0] if self._overdue else float("inf")

    def _give_up(self, now: float) -> None:
        while self._next_overdue() <= now:
            port = self._overdue[0][2].port
            self._end(port, None)
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
        waiting = port.waiting
        try:
            reply = None if waiting is None else reply_to(waiting.ask, wire)
        except Exception as error:  # noqa: BLE001 - a bug is raised in the waiting task: here it would end all questions
            self._raise_in_asker(port, error)
            return True
        if waiting is None or reply is None:
            port.strays += 1
            flooded = port.strays >= MAX_STRAYS
            if flooded:
                self._end(port, Miss("flooded with datagrams that are not a reply"))
            return flooded
        port.waiting, port.strays = None, 0
        waiting.reply = reply
        trio.lowlevel.reschedule(waiting.task)
        if port.uses:
            self._idle[port.server].append(port)
        else:
            self._close(port)
        return True

    def _raise_in_asker(self, port: _Port, error: Exception) -> None:
        """Raise an error in the task that waits for a reply at a port."""
        waiting = port.waiting
        self._close(port)
        if waiting is not None:
            waiting.bug = error
            trio.lowlevel.reschedule(waiting.task)

    def _end(self, port: _Port, miss: Miss | None) -> None:
        """Close a port; its question in flight ends with ``miss``, or with a timeout if ``miss`` is None."""
        waiting = port.waiting
        if waiting is not None:
            waiting.reply = miss
            trio.lowlevel.reschedule(waiting.task)
        elif port in self._idle[port.server]:
            self._idle[port.server].remove(port)
        self._close(port)

    def _close_idle(self, server: NameServer) -> None:
        for port in self._idle.pop(server, ()):
            self._close(port)

    def _close(self, port: _Port) -> None:
        port.waiting = None
        del self._ports[port.sock.fileno()]
        port.sock.close()  # closing the socket also removes the socket from the epoll object
