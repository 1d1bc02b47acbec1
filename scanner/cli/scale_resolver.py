"""The resolver of a machine of a cluster, which all processes of a scan on the machine share.

The first process that needs the resolver starts this module as the resolver program. The resolver program chooses and
tests the resolver, starts a private unbound if the machine has no validating resolver, and sends a description of the
resolver to each process that connects to the socket of the resolver program. A process keeps its connection to the
resolver program while the process uses the resolver. The resolver program ends ``LINGER`` seconds after the end of the
last connection.

The socket of the resolver program has an abstract name (unix(7)). An abstract name is valid in one network namespace,
as the loopback address of the private unbound is. The name of the socket is derived from a random text of the scan
(``Job.proof``). A process that connects to the socket checks that the resolver program runs as the same user.
"""

import errno
import math
import os
import socket
import struct
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import trio

from results.store import codec
from scanner.cli import request as requests
from scanner.cli.console import one_line
from scanner.cli.errors import CliError, Exit
from scanner.cli.request import Request
from scanner.cli.resolver import Resolved
from scanner.cli.start import raise_file_limit
from scanner.cli.wiring import fit_resolver, load_codecs
from scanner.net.error_groups import first_error
from scanner.net.unbound import UnboundError
from scanner.scale.job import Job, KnownResolver

PROGRAM = (sys.executable, "-m", "scanner.cli.scale_resolver")
"""The command that starts the resolver program (this module), with the Python interpreter of this process."""

LINGER = 30.0
"""Seconds without a connection after which the resolver program ends; a new job often connects earlier."""

START = 60.0
"""Seconds to wait for the answer of the resolver program; its preflight checks take at most about 30 seconds."""

_TRY_EVERY = 0.1  # seconds between two attempts to connect
_STARTS = 3  # number of times that the program is started before the job fails
_LONGEST = 65_536  # octets of a result
_WAITING = 128  # connections that the kernel accepts for the program


@dataclass(frozen=True, slots=True)
class ResolverAnswer:
    """The answer of the resolver program: the resolver with notes for the user, or the error if none is usable."""

    resolver: KnownResolver | None = None
    notes: tuple[str, ...] = ()
    error: str = ""


def request_of(job: Job) -> Request:
    """Return the request of a scan from the options that one of its jobs contains.

    Raises:
        CliError: an option has a value that this machine cannot use, such as a file that does not exist.
    """
    return requests.build(requests.frozen(job.flags))


def machine() -> str:
    """Return a text that identifies this machine until its next boot: its boot id and its network namespace."""
    started = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    return f"{started} {Path('/proc/self/ns/net').readlink()}"


def _name(job: Job) -> bytes:
    return b"\0mxsweep-" + sha256(job.proof.encode()).hexdigest()[:32].encode()


# --- for a process of a scan ------------------------------------------------------------------------------------


@asynccontextmanager
async def machine_resolver(job: Job, request: Request) -> AsyncIterator[tuple[Resolved, ResolverAnswer]]:
    """Provide this machine's resolver for the ``with`` block, and start the resolver program if it does not run.

    Raises:
        CliError: the machine has no usable resolver, or the resolver program does not answer.
        UnboundError: the resolver program ended during the ``with`` block, which is then cancelled.
    """
    stream, answer = await _reach(job)
    if answer.resolver is None:
        await stream.aclose()
        raise CliError(answer.error, Exit.UNFIT)
    async with stream, trio.open_nursery() as nursery:
        nursery.start_soon(_watch, stream)
        yield resolved_by(answer.resolver, request), answer
        nursery.cancel_scope.cancel()


def resolved_by(known: KnownResolver, request: Request) -> Resolved:
    """Return a resolver that has passed the preflight checks in another process of this machine."""
    dns = replace(request.settings.dns, servers=tuple(map(tuple, known.servers)))  # type: ignore[arg-type] # pairs
    return Resolved(dns, (), known.validated, known.label)


async def _watch(stream: trio.SocketStream) -> None:
    with suppress(trio.BrokenResourceError):
        await stream.receive_some(1)
    raise UnboundError("the process of the resolver of this machine has ended")


async def _reach(job: Job) -> tuple[trio.SocketStream, ResolverAnswer]:
    """Connect to the resolver program, and return the connection and the answer.

    If no program listens at the socket, start the resolver program.
    """
    starts = 0
    program: subprocess.Popen[bytes] | None = None
    with trio.move_on_after(START):
        while starts <= _STARTS:
            stream = await _connected(_name(job))
            if stream is not None:
                answer = await _received(stream)
                if answer is not None:
                    return stream, answer
            elif program is None or program.poll() is not None:
                starts += 1
                program = _start(job)
            await trio.sleep(_TRY_EVERY)
    raise CliError("the process of the resolver of this machine does not answer", Exit.UNFIT)


async def _connected(name: bytes) -> trio.SocketStream | None:
    """Return a connection to the resolver program; None if no process listens at the socket ``name``."""
    own = trio.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        await own.connect(name)
        _, user, _ = struct.unpack("3i", own.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    except OSError:
        own.close()
        return None
    if user != os.geteuid():
        own.close()
        raise CliError("a process of another user has the name of the resolver's socket", Exit.UNFIT)
    return trio.SocketStream(own)


async def _received(stream: trio.SocketStream) -> ResolverAnswer | None:
    """Return the answer that the resolver program sends; None if the program ends before it has sent the answer."""
    octets = b""
    with suppress(trio.BrokenResourceError):
        while not octets.endswith(b"\n") and len(octets) < _LONGEST:
            more = await stream.receive_some(_LONGEST)
            if not more:
                break
            octets += more
    try:
        return codec.decode(ResolverAnswer, octets)
    except codec.CodecError:
        await stream.aclose()
        return None


def _start(job: Job) -> subprocess.Popen[bytes]:
    """Start the resolver program in a session of its own, because the program runs longer than this process."""
    program = subprocess.Popen(  # noqa: S603 - the interpreter of this process
        PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    if program.stdin is not None:
        with suppress(BrokenPipeError), program.stdin as pipe:
            pipe.write(codec.encode(job))
    return program


# --- the program ------------------------------------------------------------------------------------------------


def main() -> int:
    """Read a job from standard input, and provide the resolver for all processes of its scan on this machine."""
    job = codec.decode(Job, sys.stdin.buffer.readline())
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(_name(job))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return Exit.DONE
        raise
    listener.listen(_WAITING)
    load_codecs()
    raise_file_limit()
    trio.run(ResolverService(job).run, trio.socket.from_stdlib_socket(listener))
    return Exit.DONE


class ResolverService:
    """The resolver of a machine, and the connections of the processes that use it.

    Args:
        job: any job of the scan.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._answer: ResolverAnswer | None = None
        self._answered = trio.Event()
        self._users = 0
        self._idle = trio.CancelScope()

    async def run(self, listener: trio.socket.SocketType) -> None:
        """Choose the resolver, and serve connections until ``LINGER`` seconds have passed without a connection."""
        self._idle.deadline = trio.current_time() + LINGER
        with self._idle:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._accept, listener, nursery)
                nursery.start_soon(self._resolve)

    async def _accept(self, listener: trio.socket.SocketType, nursery: trio.Nursery) -> None:
        while True:
            connection, _ = await listener.accept()
            self._users += 1
            self._idle.deadline = math.inf
            nursery.start_soon(self._serve, trio.SocketStream(connection))

    async def _serve(self, stream: trio.SocketStream) -> None:
        """Send the answer about the resolver, and wait until the process ends the connection."""
        try:
            await self._answered.wait()
            with suppress(trio.BrokenResourceError):
                await stream.send_all(codec.encode(self._answer))
                await stream.receive_some(1)
        finally:
            self._users -= 1
            self._idle.deadline = math.inf if self._users else trio.current_time() + LINGER
            await trio.aclose_forcefully(stream)

    async def _resolve(self) -> None:
        """Choose and test the resolver, and keep it running.

        An error after the choice of the resolver ends the program and all its connections.
        """
        notes: list[str] = []
        try:
            request = request_of(self._job)
            async with fit_resolver(request.settings, request.choice, notes.append) as resolved:
                known = KnownResolver(resolved.dns.servers, resolved.validated, resolved.label)
                self._set(ResolverAnswer(known, tuple(notes)))
                await trio.sleep_forever()
        except (CliError, UnboundError, BaseExceptionGroup) as error:
            cause = first_error(error)
            if self._answer is not None or not isinstance(cause, CliError | UnboundError):
                raise
            self._set(ResolverAnswer(error=one_line(str(cause))))

    def _set(self, answer: ResolverAnswer) -> None:
        self._answer = answer
        self._answered.set()


if __name__ == "__main__":
    sys.exit(main())
