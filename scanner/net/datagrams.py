"""DNS questions over UDP, many at once: ``Datagrams.ask`` sends one and brings its reply.

A question's protection against forgers who cannot listen is its random id and the random port it leaves from (RFC
5452 sections 9.2 and 10). Ports are connected, so the kernel drops what comes from elsewhere, and a reply counts only
at the port where its question waits. Towards a server on this machine, where no forger can reach, many questions
share a port; towards any other each has one for itself while it waits, as odds per forged datagram go by the ports
that wait. A port that was answered is used again: that is no help to who does not know it, and it spares most of the
sockets. After so many questions, or one that was given up, it is closed.

All ports hang on one epoll, for which one task waits: it reads whatever has come, and gives up what is overdue, so
that a question costs neither a registration nor a cancel scope of its own.
"""

import heapq
import select
import socket
from dataclasses import dataclass, field
from itertools import count

import trio

from scanner.core.answers import TIMEOUT
from scanner.core.wire import Message
from scanner.net.exchange import Ask, Miss, Server, missed, reply_to

MAX_DATAGRAM = 4096  # three times what the server is told to send; a longer one is cut, and so no reply
MAX_STRAYS = 1000  # datagrams in a row at one port that are no reply; past that somebody floods it
MAX_USES = 256  # questions of one port, in case that somebody finds it out
SHARED = 32  # questions that wait at a local server's port: their replies fit its buffer of some 200 KB
AT_A_TIME = 64  # datagrams read of one port before others have their turn


@dataclass(slots=True, eq=False)
class _Waiting:
    """A question under way; without a reply it still waits."""

    ask: Ask
    task: trio.lowlevel.Task
    port: "_Port"
    reply: Message | Miss | None = None


@dataclass(slots=True, eq=False)
class _Port:
    """A socket of ours, connected to one server, and the questions that wait there by their id."""

    sock: socket.socket
    server: Server
    waiting: dict[bytes, _Waiting] = field(default_factory=dict)
    uses: int = MAX_USES
    strays: int = 0

    def free(self, msg_id: bytes) -> bool:
        """Tell whether a question of this id may leave from here."""
        return len(self.waiting) < (SHARED if self.server.local else 1) and msg_id not in self.waiting


class Datagrams:
    """The ports of one resolver. They are opened as they are needed, and ``close`` closes them."""

    def __init__(self) -> None:
        self._epoll: select.epoll | None = None
        self._ports: dict[int, _Port] = {}
        self._usable: dict[Server, dict[_Port, None]] = {}  # those that may have room, used last, last
        self._overdue: list[tuple[float, int, _Waiting]] = []  # a heap
        self._number = count()
        self._patience = trio.CancelScope()

    async def ask(self, server: Server, ask: Ask, until: float) -> Message | Miss:
        """Send a question in a datagram and wait for the reply.

        Args:
            server: who is asked.
            ask: the question.
            until: when to give up, by trio's clock.

        Returns:
            The reply, maybe truncated, or a miss: silence, too much that is no reply, or what the kernel said.
        """
        try:
            port = self._port(server, ask.id)
        except OSError as error:
            return missed(error)
        try:
            port.sock.send(ask.wire)
        except OSError as error:  # maybe the ICMP error of an earlier question
            self._fail(port, missed(error))
            return missed(error)
        waiting = _Waiting(ask, trio.lowlevel.current_task(), port)
        port.waiting[ask.id] = waiting
        heapq.heappush(self._overdue, (until, next(self._number), waiting))
        if until < self._patience.deadline:  # noqa: PLR1730 - setting it costs as much as a scope
            self._patience.deadline = until

        def abandon(_: object) -> trio.lowlevel.Abort:
            self._abandon(waiting)
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abandon)
        return waiting.reply or Miss(TIMEOUT, silent=True)

    def close(self) -> None:
        """Close all ports; who still waits is told that it timed out. A question that comes later opens others."""
        epoll, self._epoll = self._epoll, None
        if epoll is None:
            return
        for port in list(self._ports.values()):
            self._fail(port, Miss(TIMEOUT, silent=True))
        trio.lowlevel.notify_closing(epoll.fileno())
        epoll.close()

    def _port(self, server: Server, msg_id: bytes) -> _Port:
        """Find a port with room, or open one; it counts as used."""
        usable = self._usable.setdefault(server, {})
        while usable and not next(reversed(usable)).free(msg_id):
            usable.popitem()  # until one of its questions leaves
        port = next(reversed(usable)) if usable else self._open(server)
        usable[port] = None
        port.uses -= 1
        if not port.uses:
            del usable[port]
        return port

    def _open(self, server: Server) -> _Port:
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
        """Read and give up until all is closed, here or by the end of trio."""
        try:
            while self._epoll is epoll:
                with trio.CancelScope(deadline=self._next_overdue()) as self._patience:
                    while True:
                        await trio.lowlevel.wait_readable(epoll.fileno())
                        for fileno, _ in epoll.poll(0):
                            self._read(self._ports[fileno])
                self._give_up(trio.current_time())
        except trio.ClosedResourceError:
            return
        finally:
            if self._epoll is epoll:
                self.close()

    def _next_overdue(self) -> float:
        """When the first question that still waits is to be given up; the answered ones before it are forgotten."""
        while self._overdue and not self._waits(self._overdue[0][2]):
            heapq.heappop(self._overdue)
        return self._overdue[0][0] if self._overdue else float("inf")

    def _waits(self, waiting: _Waiting) -> bool:
        return waiting.port.waiting.get(waiting.ask.id) is waiting

    def _give_up(self, now: float) -> None:
        while self._next_overdue() <= now:
            waiting = self._overdue[0][2]
            self._abandon(waiting)
            trio.lowlevel.reschedule(waiting.task)

    def _read(self, port: _Port) -> None:
        """Read what has come to a port; what is left, epoll tells again."""
        try:
            for _ in range(AT_A_TIME):
                if not self._take(port, port.sock.recv(MAX_DATAGRAM)):
                    return
        except BlockingIOError:  # all is read, or it had a wrong checksum and is gone
            return
        except OSError as error:
            self._fail(port, missed(error))

    def _take(self, port: _Port, wire: bytes) -> bool:
        """Give a reply to who waits for it, pass over anything else, within limits; true if more is expected."""
        waiting = port.waiting.get(wire[:2])
        reply = None if waiting is None else reply_to(waiting.ask, wire)
        if waiting is None or reply is None:
            port.strays += 1
            if port.strays >= MAX_STRAYS:
                self._fail(port, Miss("flooded with datagrams that are no reply"))
        else:
            port.strays = 0
            waiting.reply = reply
            self._leave(waiting)
            trio.lowlevel.reschedule(waiting.task)
        return bool(port.waiting)

    def _leave(self, waiting: _Waiting) -> None:
        """Take a question from its port, which has room again, or is closed if it was its last."""
        port = waiting.port
        del port.waiting[waiting.ask.id]
        if port.uses:
            self._usable[port.server][port] = None
        elif not port.waiting:
            self._close(port)

    def _abandon(self, waiting: _Waiting) -> None:
        """Wait for a reply no longer: it may still come, so nothing else is asked from there."""
        port = waiting.port
        port.uses = 0
        self._usable[port.server].pop(port, None)
        self._leave(waiting)

    def _fail(self, port: _Port, miss: Miss) -> None:
        """Close a port; all who wait there hear why."""
        for waiting in port.waiting.values():
            waiting.reply = miss
            trio.lowlevel.reschedule(waiting.task)
        port.waiting.clear()
        self._usable[port.server].pop(port, None)
        self._close(port)

    def _close(self, port: _Port) -> None:
        del self._ports[port.sock.fileno()]
        port.sock.close()  # and so epoll forgets it
