"""DNS questions over UDP, many at once: ``Datagrams.ask`` sends one and brings its reply.

A question's protection against forgers who cannot listen is its random id and the random port it leaves from (RFC
5452 sections 9.2 and 10). So each has a port for itself for as long as it waits, connected to the server: the kernel
drops what comes from elsewhere, and a reply counts only at the port of its question. A port that was answered is used
again, which spares most of the sockets and is no help to who does not know it. After so many questions, or one that
was given up and may still be answered, it is closed; so are then the idle ones, whose own address may be gone.

All ports hang on one epoll, for which one task waits: it reads whatever has come, and gives up what is overdue, so
that a question costs neither a registration nor a cancel scope of its own.
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
from scanner.net.exchange import Ask, Miss, Server, missed, reply_to

MAX_DATAGRAM = 4096  # three times what the server is told to send; a longer one is cut, and so no reply
MAX_STRAYS = 1000  # datagrams in a row at one port that are no reply; past that somebody floods it
MAX_USES = 256  # questions of one port, in case that somebody finds it out
AT_A_TIME = 64  # datagrams read of one port before others have their turn


@dataclass(slots=True, eq=False)
class _Waiting:
    """A question under way; without a reply it still waits."""

    ask: Ask
    task: trio.lowlevel.Task
    port: "_Port"
    reply: Message | Miss | None = None
    bug: Exception | None = None


@dataclass(slots=True, eq=False)
class _Port:
    """A socket of ours, connected to one server, and the question that waits there."""

    sock: socket.socket
    server: Server
    waiting: _Waiting | None = None
    uses: int = MAX_USES
    strays: int = 0


class Datagrams:
    """The ports of one resolver. They are opened as they are needed, and ``close`` closes them."""

    def __init__(self) -> None:
        self._epoll: select.epoll | None = None
        self._ports: dict[int, _Port] = {}
        self._idle: defaultdict[Server, list[_Port]] = defaultdict(list)
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
        if until < self._patience.deadline:  # noqa: PLR1730 - setting it costs as much as a scope
            self._patience.deadline = until

        def abandon(_: object) -> trio.lowlevel.Abort:
            self._close(port)
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abandon)
        if waiting.bug is not None:
            raise waiting.bug
        return waiting.reply or Miss(TIMEOUT, silent=True)

    def close(self) -> None:
        """Close all ports; who still waits is told that it timed out. A question that comes later opens others."""
        epoll, self._epoll = self._epoll, None
        if epoll is None:
            return
        for port in list(self._ports.values()):
            self._end(port, None)
        self._idle.clear()
        trio.lowlevel.notify_closing(epoll.fileno())
        epoll.close()

    def _port(self, server: Server) -> _Port:
        """Take an idle port, or open one."""
        idle = self._idle[server]
        port = idle.pop() if idle else self._open(server)
        port.uses -= 1
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
                        if self._epoll is not epoll:  # closed since we were woken
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
        """When the first question that still waits is to be given up; the answered ones before it are forgotten."""
        while self._overdue and self._overdue[0][2].port.waiting is not self._overdue[0][2]:
            heapq.heappop(self._overdue)
        return self._overdue[0][0] if self._overdue else float("inf")

    def _give_up(self, now: float) -> None:
        while self._next_overdue() <= now:
            port = self._overdue[0][2].port
            self._end(port, None)
            self._close_idle(port.server)

    def _read(self, port: _Port) -> None:
        """Read what has come to a port; what is left, epoll tells again."""
        try:
            for _ in range(AT_A_TIME):
                if self._take(port, port.sock.recv(MAX_DATAGRAM)):
                    return
        except BlockingIOError:  # all is read, or it had a wrong checksum and is gone
            return
        except OSError as error:
            self._end(port, missed(error))

    def _take(self, port: _Port, wire: bytes) -> bool:
        """Give a reply to who waits for it; anything else is passed over, within limits. True if that is all."""
        waiting = port.waiting
        try:
            reply = None if waiting is None else reply_to(waiting.ask, wire)
        except Exception as error:  # noqa: BLE001 - a bug of ours is the asker's to tell: here it would end everything
            self._break(port, error)
            return True
        if waiting is None or reply is None:
            port.strays += 1
            flooded = port.strays >= MAX_STRAYS
            if flooded:
                self._end(port, Miss("flooded with datagrams that are no reply"))
            return flooded
        port.waiting, port.strays = None, 0
        waiting.reply = reply
        trio.lowlevel.reschedule(waiting.task)
        if port.uses:
            self._idle[port.server].append(port)
        else:
            self._close(port)
        return True

    def _break(self, port: _Port, error: Exception) -> None:
        """Let who waits at a port fail."""
        waiting = port.waiting
        self._close(port)
        if waiting is not None:
            waiting.bug = error
            trio.lowlevel.reschedule(waiting.task)

    def _end(self, port: _Port, miss: Miss | None) -> None:
        """Close a port; who waits there hears why."""
        waiting = port.waiting
        if waiting is not None:
            waiting.reply = miss
            trio.lowlevel.reschedule(waiting.task)
        elif port in self._idle[port.server]:
            self._idle[port.server].remove(port)
        self._close(port)

    def _close_idle(self, server: Server) -> None:
        for port in self._idle.pop(server, ()):
            self._close(port)

    def _close(self, port: _Port) -> None:
        port.waiting = None
        del self._ports[port.sock.fileno()]
        port.sock.close()  # and so epoll forgets it
