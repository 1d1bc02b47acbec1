"""A private validating resolver: unbound as a child process on a loopback port for the duration of a scan.

The AD bit of the private resolver is trusted, because mxsweep writes the configuration of the resolver, the resolver
has no remote control, and only this machine can query the resolver. The resolver recurses from the root or from the
servers of a hints file, or forwards queries to another resolver. The resolver trusts the root keys in mxsweep's
package, and updates the keys by RFC 5011 in a cache directory. If unbound ends unexpectedly, mxsweep starts unbound
again once on the same port; a second unexpected end is an error. The kernel kills unbound when the mxsweep process ends
(PR_SET_PDEATHSIG, Linux only).
"""

import logging
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import trio

from scanner.core.wire import Message, Question
from scanner.facts import Answer
from scanner.net.datagrams import Datagrams
from scanner.net.exchange import new_ask, server_at
from scanner.net.unbound_conf import LOOPBACK, UnboundSettings, UnquotablePathError, configuration
from scanner.vocabulary import Outcome

log = logging.getLogger("mxsweep")

READY_LIMIT = 15.0  # seconds from the start to the first answer; 0.1 seconds are usual on an idle machine
ASK_EVERY = 0.2  # seconds before the first query is sent again
STOP_LIMIT = 3.0  # seconds between SIGTERM and SIGKILL; unbound only has to save its keys
PORT_TRIES = 3  # maximum number of attempts; another process may take a free port before unbound opens it
RESTARTS = 1  # maximum number of restarts; a second unexpected end has a lasting cause
LOG_LINES = 20  # maximum log lines kept to explain why unbound ended
CHUNK = 4096  # octets of unbound's log per read, and maximum length of a complete line

APPARMOR_HINT = (
    "if AppArmor confines unbound, allow it its files in /etc/apparmor.d/local/usr.sbin.unbound:"
    " owner /tmp/mxsweep-*/** rw, owner @{HOME}/.cache/mxsweep/** rw,"
)

# The child requests the signal before it executes unbound; preexec_fn is unsafe with threads.
_TIED = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() != int(sys.argv[1]): sys.exit("our parent has gone")
os.execv(sys.argv[2], sys.argv[2:])
"""


class UnboundError(Exception):
    """Error: the private resolver did not start or has ended; the text of the error states why."""


def program() -> str | None:
    """Return the path of the program unbound, also from the sbin directories; None if unbound is not installed."""
    return shutil.which("unbound", path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/usr/local/sbin:/sbin")


@asynccontextmanager
async def private_unbound(settings: UnboundSettings) -> AsyncIterator["Unbound"]:
    """Run a private resolver for the duration of the ``async with`` block.

    Yields:
        The resolver, ready for queries at its ``address``, which does not change.

    Raises:
        UnboundError: unbound does not start, or unbound ended twice, which cancels the ``async with`` block.
    """
    with tempfile.TemporaryDirectory(prefix="mxsweep-") as directory:
        child = Unbound(settings, Path(directory))
        try:
            await child.begin()
            raised = None
            async with trio.open_nursery() as nursery:
                nursery.start_soon(child.watch, nursery.cancel_scope)
                try:
                    yield child
                except Exception as error:  # noqa: BLE001 - raised below: a nursery would wrap the error in a group
                    raised = error
                nursery.cancel_scope.cancel()
            if child.failure or raised:
                raise child.failure or raised or AssertionError
        finally:
            with trio.CancelScope(shield=True):
                await child.stop()


class Unbound:
    """The unbound child process.

    ``address`` contains the address and port of unbound, ``failure`` the error after which mxsweep does not restart
    unbound.
    """

    def __init__(self, settings: UnboundSettings, directory: Path) -> None:
        self.address = (LOOPBACK, 0)
        self.failure: UnboundError | None = None
        self._settings = settings
        self._directory = directory
        self._starts = 0
        self._own_name = f"{secrets.token_hex(8)}.mxsweep.invalid"  # a name that only our child process can resolve
        self._ready = trio.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._log: trio.lowlevel.FdStream | None = None
        self._lines: deque[str] = deque(maxlen=LOG_LINES)
        self._end = ""

    @property
    def pid(self) -> int | None:
        """The process id of unbound, None if the process is not running."""
        return self._process.pid if self._process else None

    async def begin(self) -> None:
        """Start the child process unbound on a free port.

        Raises:
            UnboundError: unbound does not start.
        """
        path = program()
        if path is None:
            raise UnboundError("unbound is not installed (Debian: apt-get install unbound)")
        version = await trio.to_thread.run_sync(_version, path)
        for tries_left in reversed(range(PORT_TRIES)):
            self.address = (LOOPBACK, free_port())
            text = self._configuration(version)
            (self._directory / "unbound.conf").write_text(text, encoding="utf-8")
            try:
                await self._start(path)
            except UnboundError:
                if not tries_left or "in use" not in "".join(self._lines):
                    raise
            else:
                return

    def _configuration(self, version: tuple[int, ...]) -> str:
        port = self.address[1]
        try:
            return configuration(self._settings, self._directory, port, own_name=self._own_name, version=version)
        except UnquotablePathError as error:
            raise UnboundError(str(error)) from None

    async def watch(self, scope: trio.CancelScope) -> None:
        """Restart unbound once if unbound ends; after a second end or a failed restart, cancel ``scope``."""
        while self.failure is None:
            await self._listen()
            self._ready = trio.Event()
            await self._ended()  # the log pipe closes shortly before the process ends
            await self.stop()
            try:
                await self._restart()
            except UnboundError as error:
                self.failure = error
                scope.cancel()

    async def _restart(self) -> None:
        why = self._why_ended()
        if self._starts > RESTARTS:
            raise UnboundError(f"the private unbound failed again: {why}")
        log.warning("the private unbound failed and is started again: %s", why)
        await self._start(program() or "")

    async def guarded(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return the answer of ``ask``; call ``ask`` again if the call failed while unbound ended or restarted."""
        starts = self._starts
        answer = await ask()
        if answer.outcome is Outcome.ERROR and (self._starts != starts or not self._ready.is_set()):
            await self._ready.wait()
            return await ask()
        return answer

    async def stop(self) -> None:
        """End unbound by SIGTERM, or by SIGKILL after ``STOP_LIMIT``, and read the rest of its log."""
        process, self._process = self._process, None
        if process is not None:
            self._end = f"it ended with status {process.poll()}" if process.poll() is not None else "it gave no answer"
            _signal(process, signal.SIGTERM)
            await self._ended(process)
            _signal(process, signal.SIGKILL)
            process.wait()
        if self._log is not None:
            await self._listen()
            await self._log.aclose()
            self._log = None

    async def _ended(self, process: subprocess.Popen[bytes] | None = None) -> None:
        """Wait at most ``STOP_LIMIT`` seconds until unbound has ended."""
        process = process or self._process
        if process is not None:
            with trio.move_on_after(STOP_LIMIT):
                await trio.to_thread.run_sync(process.wait, abandon_on_cancel=True)

    async def _start(self, path: str) -> None:
        """Start unbound and wait for its first answer."""
        self._lines.clear()
        command = [sys.executable, "-I", "-S", "-c", _TIED, str(os.getpid()), path]
        reading, writing = os.pipe()
        try:
            # trio's open_process forks in a thread, and the kernel would kill the child at the end of that thread
            self._process = subprocess.Popen(  # noqa: ASYNC220, S603 - see above; a command of our own
                [*command, "-d", "-p", "-c", str(self._directory / "unbound.conf")],
                stdin=subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                start_new_session=True,  # a Ctrl-C must not end unbound before the probes in flight have finished
            )
        finally:
            os.close(writing)
            self._log = trio.lowlevel.FdStream(reading)
        await self._first_answer(self._process)
        self._starts += 1
        self._ready.set()

    async def _first_answer(self, process: subprocess.Popen[bytes]) -> None:
        """Query the name that only the private unbound can resolve until the process answers."""
        server = server_at(*self.address, trust=True)
        ports = Datagrams()
        with trio.move_on_after(READY_LIMIT), closing(ports):
            while process.poll() is None:
                ask = new_ask(Question(self._own_name, "A"), dnssec=False, cd=False)
                ((reply, _),) = await ports.ask(server, [ask], trio.current_time() + ASK_EVERY)
                if isinstance(reply, Message) and reply.answers:
                    return
                await trio.sleep(ASK_EVERY / 10)
        await self.stop()
        why = self._why_ended()
        hint = f"; {APPARMOR_HINT}" if "ermission denied" in why else ""
        raise UnboundError(f"unbound does not start: {why}{hint}")

    async def _listen(self) -> None:
        """Read unbound's log from a pipe until unbound, the only process that writes to the pipe, closes the pipe."""
        rest = b""
        while self._log is not None and (octets := await self._log.receive_some(CHUNK)):
            *lines, rest = (rest + octets).split(b"\n")
            for line in lines:
                self._log_line(line)
            rest = rest[-CHUNK:]
        self._log_line(rest)

    def _log_line(self, line: bytes) -> None:
        text = re.sub(r"^\[\d+\] unbound\[\d+:\d+\] ", "", line.decode("utf-8", "replace").strip())
        if text:
            self._lines.append(text)
            log.debug("unbound: %s", text)

    def _why_ended(self) -> str:
        """Return the errors in unbound's log and its exit status as one text."""
        errors = [line for line in self._lines if line.startswith(("error", "fatal")) or "rror:" in line]
        return "; ".join((*errors, self._end))


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to the process group of unbound, unless the process has ended."""
    if process.poll() is None:
        os.killpg(process.pid, number)


def free_port() -> int:
    """Return a loopback port that is free for UDP and TCP, chosen by the kernel."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
        ):
            udp.bind((LOOPBACK, 0))
            port: int = udp.getsockname()[1]
            try:
                tcp.bind((LOOPBACK, port))
            except OSError:
                continue
            return port


def _version(path: str) -> tuple[int, ...]:
    """Return the version in the output of ``unbound -V`` as (major, minor); empty if the output cannot be parsed."""
    done = subprocess.run([path, "-V"], capture_output=True, text=True, check=False)  # noqa: S603 - a path that program() found
    found = re.search(r"Version (\d+)\.(\d+)", done.stdout + done.stderr)
    return (int(found[1]), int(found[2])) if found else ()
